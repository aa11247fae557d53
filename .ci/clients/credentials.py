"""Makes what a secured system needs: an authority with certificates, an identity provider's keys, and tokens good and bad.

Usage: credentials.py FOLDER          everything, with the first key
       credentials.py FOLDER rotate   another server certificate and another key, in place of the first
Leaves: ca.pem, server.pem, server.key, service.pem, service.key, jwks.json, feed.token, and tokens/NAME.
"""

import base64
import datetime
import hashlib
import hmac
import ipaddress
import json
import pathlib
import sys
import time

import jwt
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

ISSUER = "https://identity.example"
AUDIENCE = "case-tracker"
DAY = datetime.timedelta(days=1)


def pem(key):
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def name(common_name):
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def certificate(subject, key, names, usage, issuer=None):
    """One certificate: signed by `issuer` (a certificate and its key), or an authority that signs itself."""
    now = datetime.datetime.now(datetime.timezone.utc)
    parent, parent_key = issuer or (None, key)
    builder = (
        x509.CertificateBuilder()
        .subject_name(name(subject))
        .issuer_name(parent.subject if parent else name(subject))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - DAY)
        .not_valid_after(now + 30 * DAY)
        .add_extension(x509.BasicConstraints(ca=parent is None, path_length=None), critical=True)
    )
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    if usage:
        builder = builder.add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
    return builder.sign(parent_key, hashes.SHA256())


def write_certificate(folder, file, cert, key):
    (folder / f"{file}.pem").write_bytes(cert.public_bytes(serialization.Encoding.PEM))
    (folder / f"{file}.key").write_bytes(pem(key))


def server_certificate(folder):
    authority = x509.load_pem_x509_certificate((folder / "ca.pem").read_bytes())
    authority_key = serialization.load_pem_private_key((folder / "ca.key").read_bytes(), None)
    key = ec.generate_private_key(ec.SECP256R1())
    names = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    cert = certificate("case-tracker", key, names, ExtendedKeyUsageOID.SERVER_AUTH, (authority, authority_key))
    write_certificate(folder, "server", cert, key)
    key = ec.generate_private_key(ec.SECP256R1())
    names = [x509.UniformResourceIdentifier("spiffe://cases.example/case-worker")]
    cert = certificate("case-worker", key, names, ExtendedKeyUsageOID.CLIENT_AUTH, (authority, authority_key))
    write_certificate(folder, "service", cert, key)


def authority(folder):
    key = ec.generate_private_key(ec.SECP256R1())
    write_certificate(folder, "ca", certificate("Authority of the test", key, [], None), key)


def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def jwk(key, kid):
    raw = key.public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
    return {"kty": "OKP", "crv": "Ed25519", "use": "sig", "alg": "EdDSA", "kid": kid, "x": b64(raw)}


def claims(subject, roles, **changes):
    now = int(time.time())
    return {"iss": ISSUER, "aud": AUDIENCE, "sub": subject, "roles": roles, "iat": now, "exp": now + 3600, **changes}


def unsigned(payload):
    return ".".join(b64(json.dumps(part).encode()) for part in ({"alg": "none", "typ": "JWT"}, payload)) + "."


def signed_with_the_public_key(payload, key, kid):
    """The classic confusion: a symmetric signature whose secret is the public key that everybody knows."""
    public = key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    head = {"alg": "HS256", "typ": "JWT", "kid": kid}
    text = ".".join(b64(json.dumps(part).encode()) for part in (head, payload))
    return text + "." + b64(hmac.new(public, text.encode(), hashlib.sha256).digest())


def identity(folder, kid):
    """Keys of the provider (two, so that a token has to name one), and tokens."""
    key, other, stranger = (ed25519.Ed25519PrivateKey.generate() for _ in range(3))
    (folder / "jwks.json").write_text(json.dumps({"keys": [jwk(key, kid), jwk(other, f"{kid}-other")]}))
    sign = lambda payload, signer=key, headers={"kid": kid}: jwt.encode(payload, signer, "EdDSA", headers=headers)
    now = int(time.time())
    amira = claims("amira", ["agent"])
    tokens = {role: sign(claims(f"the-{role}", [role])) for role in ("viewer", "auditor", "operator", "supervisor", "service")}
    tokens |= {
        "agent": sign(amira),
        "hasty": sign(claims("hasty", ["viewer"])),
        "expired": sign({**amira, "iat": now - 7200, "exp": now - 3600}),
        "not-yet": sign({**amira, "nbf": now + 3600}),
        "wrong-key": sign(amira, stranger),
        "wrong-audience": sign({**amira, "aud": "somebody-else"}),
        "wrong-issuer": sign({**amira, "iss": "https://elsewhere.example"}),
        "no-kid": sign(amira, key, {}),
        "unknown-kid": sign(amira, key, {"kid": "nobody"}),
        "alg-none": unsigned(amira),
        "public-key-as-secret": signed_with_the_public_key(amira, key, kid),
        "no-roles": sign(claims("nobody-in-particular", [])),
        "garbage": "not.a.token",
    }
    (folder / "tokens").mkdir(exist_ok=True)
    for file, token in tokens.items():
        (folder / "tokens" / file).write_text(token)
    (folder / "feed.token").write_text(tokens["service"] + "\n")


def main():
    folder = pathlib.Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    if sys.argv[2:] == ["rotate"]:
        server_certificate(folder)
        identity(folder, "second")
        return
    authority(folder)
    server_certificate(folder)
    identity(folder, "first")


main()
