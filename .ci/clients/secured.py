"""A secured system from Python: TLS, tokens good and bad, roles, rates, limits, deadlines, health.

Usage: secured.py PART FOLDER COMMAND_PORT QUERY_PORT AUDIT_PORT
PART: tokens, limits, health, rotated or watch. FOLDER is what credentials.py has made.
"""

import pathlib
import ssl
import sys

import grpc
from google.protobuf import descriptor_pool, json_format, message_factory
from google.rpc import error_details_pb2
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha.proto_reflection_descriptor_database import ProtoReflectionDescriptorDatabase
from grpc_status import rpc_status

TIMEOUT_S = 10
DETAILS = {
    "type.googleapis.com/google.rpc." + name: getattr(error_details_pb2, name)
    for name in ("ErrorInfo", "RequestInfo", "RetryInfo", "QuotaFailure", "BadRequest", "ResourceInfo", "PreconditionFailure")
}
Code = grpc.StatusCode


def check(what, holds, *found):
    if not holds:
        sys.exit(f"FAILED: secured: {what}: {found}")
    print(f"ok: secured: {what}")


class System:
    """The three servers of one system, as whoever holds the given credentials sees them."""

    def __init__(self, folder, ports, certificate=None):
        self.folder, self.ports = folder, ports
        chain, key = ((folder / f"{certificate}.pem").read_bytes(), (folder / f"{certificate}.key").read_bytes()) if certificate else (None, None)
        secured = grpc.ssl_channel_credentials((folder / "ca.pem").read_bytes(), key, chain)
        self.channels = [grpc.secure_channel(f"127.0.0.1:{port}", secured) for port in ports]
        self.pools = {}

    def token(self, name):
        return (self.folder / "tokens" / name).read_text()

    def method(self, index, full_name):
        """The messages of a method, from the server's own reflection, which asks for nobody."""
        service, _, name = full_name.partition("/")
        if index not in self.pools:
            self.pools[index] = descriptor_pool.DescriptorPool(ProtoReflectionDescriptorDatabase(self.channels[index]))
        method = self.pools[index].FindServiceByName(service).methods_by_name[name]
        return [message_factory.GetMessageClass(kind) for kind in (method.input_type, method.output_type)]

    def call(self, index, full_name, body, token=None, metadata=(), timeout=TIMEOUT_S):
        request, response = self.method(index, full_name)
        stub = self.channels[index].unary_unary(f"/{full_name}", request.SerializeToString, response.FromString)
        answer, call = stub.with_call(json_format.ParseDict(body, request()), timeout, with_token(token, metadata))
        check_echo(call.initial_metadata(), metadata)
        return json_format.MessageToDict(answer, preserving_proto_field_name=True)

    def stream(self, index, full_name, bodies, token=None, timeout=None):
        """An open stream: requests as they come, answers as they come."""
        request, response = self.method(index, full_name)
        stub = self.channels[index].stream_stream(f"/{full_name}", request.SerializeToString, response.FromString)
        return stub((json_format.ParseDict(body, request()) for body in bodies), timeout, with_token(token))


def with_token(token, metadata=()):
    return tuple(metadata) + ((("authorization", f"Bearer {token}"),) if token else ())


def check_echo(answered, metadata):
    sent = dict(metadata).get("x-request-id")
    if sent and dict(answered).get("x-request-id") != sent:
        sys.exit(f"FAILED: secured: {sent} is not echoed: {answered}")


def refused(what, code, reason, call):
    """Checks a refusal and answers its details by the name of their type."""
    try:
        answer = call()
    except grpc.RpcError as error:
        if error.code() != code:
            sys.exit(f"FAILED: secured: {what} is {error.code()}, not {code}: {error}")
        status = rpc_status.from_call(error)
        details = {}
        for packed in status.details if status else ():
            detail = DETAILS[packed.type_url]()
            packed.Unpack(detail)
            details[type(detail).__name__] = detail
        info = details.get("ErrorInfo")
        named = info is not None and (info.domain, info.reason) == ("casetracker", reason)
        check(f"{what}: {code.name} / {reason}", named and details["RequestInfo"].request_id, info, error)
        return details
    return check(what, False, answer)


def code_of(call):
    """The code that a call fails with; OK if it does not."""
    try:
        call()
    except grpc.RpcError as error:
        return error.code()
    return Code.OK


CREATE = "casetracker.v1.CaseCommandService/CreateCase"
GET = "casetracker.v1.CaseQueryService/GetCase"
LIST = "casetracker.v1.CaseQueryService/ListCases"
LIST_AUDIT = "casetracker.v1.AuditService/ListAuditEvents"
FOLLOW = "casetracker.feed.v1.CaseEventFeedService/Follow"
DIAGNOSTICS = "casetracker.admin.v1.DiagnosticsService/GetDiagnostics"
A_CASE = {"case": {"title": "From a secured client"}}


def tokens(system):
    """Who may do what, by token and by certificate."""
    agent = system.token("agent")
    echo = (("x-request-id", "secured-1"),)
    created = system.call(0, CREATE, A_CASE, agent, echo)
    check("an agent creates a case", created["case"]["status"] == "DRAFT", created)
    fresh = {"case_id": created["case"]["case_id"], "consistency": {"at_least_as_fresh": [created["consistency_token"]]}}
    read = system.call(1, GET, fresh, system.token("viewer"))
    check("a viewer reads it", read["case"]["case_id"] == fresh["case_id"], read)

    unauthenticated = Code.UNAUTHENTICATED
    refused("no token", unauthenticated, "CREDENTIALS_MISSING", lambda: system.call(0, CREATE, A_CASE))
    refused("an actor by name only", unauthenticated, "CREDENTIALS_MISSING",
            lambda: system.call(0, CREATE, A_CASE, None, (("x-actor-id", "amira"),)))
    refused("an expired token", unauthenticated, "CREDENTIALS_EXPIRED", lambda: system.call(0, CREATE, A_CASE, system.token("expired")))
    for bad in ("wrong-key", "alg-none", "wrong-audience", "wrong-issuer", "no-kid", "unknown-kid", "public-key-as-secret", "not-yet", "garbage"):
        refused(f"a token: {bad}", unauthenticated, "CREDENTIALS_INVALID", lambda: system.call(0, CREATE, A_CASE, system.token(bad)))

    denied = refused("a viewer who creates", Code.PERMISSION_DENIED, "PERMISSION_DENIED", lambda: system.call(0, CREATE, A_CASE, system.token("viewer")))
    check("it names the permission", "permission" in denied["ErrorInfo"].metadata, denied)
    refused("somebody without roles", Code.PERMISSION_DENIED, "PERMISSION_DENIED", lambda: system.call(1, LIST, {}, system.token("no-roles")))
    absent = {"case_id": "CASE-999999"}
    refused("permission comes before existence", Code.PERMISSION_DENIED, "PERMISSION_DENIED",
            lambda: system.call(1, GET, absent, system.token("no-roles")))
    refused("an agent who reads the evidence", Code.PERMISSION_DENIED, "PERMISSION_DENIED",
            lambda: system.call(2, LIST_AUDIT, {}, agent))
    events = system.call(2, LIST_AUDIT, {}, system.token("auditor"))
    check("an auditor reads it: the actor is the token's", [e["actor_id"] for e in events["audit_events"]] == ["amira"], events)
    for index in range(3):
        shown = system.call(index, DIAGNOSTICS, {}, system.token("operator"))
        check(f"an operator reads diagnostics {index}", shown, shown)
        refused(f"an agent does not {index}", Code.PERMISSION_DENIED, "PERMISSION_DENIED", lambda: system.call(index, DIAGNOSTICS, {}, agent))

    worker = System(system.folder, system.ports, "service")
    stream = worker.stream(0, FOLLOW, iter([{"start": {"consumer": "python", "after_position": "0"}}]))
    check("a client certificate is a service: it follows the feed", next(stream) is not None)
    stream.cancel()
    refused("the feed is not for agents", Code.PERMISSION_DENIED, "PERMISSION_DENIED",
            lambda: next(system.stream(0, FOLLOW, iter([{"start": {"consumer": "python", "after_position": "0"}}]), agent)))


def limits(system):
    """What is too much, too large or too late."""
    agent, hasty = system.token("agent"), system.token("hasty")
    large = {"case": {"title": "large", "description": "d" * 5_000_000}}
    details = refused("an oversized message", Code.RESOURCE_EXHAUSTED, "MESSAGE_TOO_LARGE", lambda: system.call(0, CREATE, large, agent))
    check("it names the limit", details["QuotaFailure"].violations and details["ErrorInfo"].metadata["limit"] == "4194304", details)

    def hurry():
        for _ in range(1000):
            system.call(1, LIST, {}, hasty)

    details = refused("a caller in a hurry", Code.RESOURCE_EXHAUSTED, "RATE_LIMITED", hurry)
    check("it is told when to come back", details["RetryInfo"].retry_delay.ToNanoseconds() > 0, details)
    check("others are not held up", system.call(1, LIST, {}, system.token("viewer")) is not None)

    service = system.token("service")
    start = [{"start": {"consumer": "python", "after_position": "0"}}]
    open_streams, refusal = [], None
    # The two consumers of the system have places, too: at most so many are free.
    for _ in range(8):
        try:
            stream = system.stream(0, FOLLOW, iter(start), service)
            next(stream)
            open_streams.append(stream)
        except grpc.RpcError as error:
            refusal = error
            break
    check("a stream too many is refused", refusal is not None and refusal.code() == Code.RESOURCE_EXHAUSTED, refusal)
    info = error_details_pb2.ErrorInfo()
    details = {d.type_url.rpartition(".")[2]: d for d in rpc_status.from_call(refusal).details}
    details["ErrorInfo"].Unpack(info)
    check("OVERLOADED, with a delay", info.reason == "OVERLOADED" and "RetryInfo" in details, info)
    serving = health_pb2_grpc.HealthStub(system.channels[0]).Check(health_pb2.HealthCheckRequest(service="readiness"), timeout=TIMEOUT_S)
    check("health answers all the same", serving.status == health_pb2.HealthCheckResponse.SERVING)
    for stream in open_streams:
        stream.cancel()

    late = None
    for _ in range(50):
        # The places of the streams above become free as the server notices.
        try:
            for _ in system.stream(0, FOLLOW, iter(start), service, timeout=0.5):
                pass
        except grpc.RpcError as error:
            late = error
        if late.code() != Code.RESOURCE_EXHAUSTED:
            break
    check("a stream ends at its deadline", late.code() == Code.DEADLINE_EXCEEDED, late)


def health(system):
    """The standard protocol, without credentials."""
    response = health_pb2.HealthCheckResponse
    for channel in system.channels:
        stub = health_pb2_grpc.HealthStub(channel)
        watch = stub.Watch(health_pb2.HealthCheckRequest(service="readiness"), timeout=TIMEOUT_S)
        check("Watch begins with the present", next(watch).status == response.SERVING)
        unknown = stub.Watch(health_pb2.HealthCheckRequest(service="no.such.Service"), timeout=1)
        check("Watch of an unknown name says so", next(unknown).status == response.SERVICE_UNKNOWN)
        check("and stays open", code_of(lambda: next(unknown)) == Code.DEADLINE_EXCEEDED)
        asked = health_pb2.HealthCheckRequest(service="no.such.Service")
        check("Check of an unknown name is NOT_FOUND", code_of(lambda: stub.Check(asked, timeout=TIMEOUT_S)) == Code.NOT_FOUND)


def rotated(system):
    """After keys and certificates were exchanged under the running system."""
    old = (system.folder / "before" / "agent").read_text()
    refused("a token of the old key", Code.UNAUTHENTICATED, "CREDENTIALS_INVALID", lambda: system.call(0, CREATE, A_CASE, old))
    created = system.call(0, CREATE, A_CASE, system.token("agent"))
    check("a token of the new key", created["case"]["case_id"], created)
    fresh = {"case_id": created["case"]["case_id"], "consistency": {"at_least_as_fresh": [created["consistency_token"]]}}
    check("the feed goes on", system.call(1, GET, fresh, system.token("viewer")))
    expected = (system.folder / "server.pem").read_text().strip()
    for port in system.ports:
        shown = ssl.get_server_certificate(("127.0.0.1", port)).strip()
        check(f"port {port} shows the new certificate", shown == expected)


def watch(system):
    """Watches readiness until the server has gone; run while it is told to end."""
    stub = health_pb2_grpc.HealthStub(system.channels[0])
    told = []
    try:
        for answer in stub.Watch(health_pb2.HealthCheckRequest(service="readiness"), timeout=60):
            told.append(health_pb2.HealthCheckResponse.ServingStatus.Name(answer.status))
            print(f"watching: {told[-1]}", flush=True)
    except grpc.RpcError as error:
        told.append(error.code().name)
    check("SERVING, then NOT_SERVING before the end", told[:2] == ["SERVING", "NOT_SERVING"], told)


def main():
    part, folder, ports = sys.argv[1], pathlib.Path(sys.argv[2]), [int(port) for port in sys.argv[3:]]
    {"tokens": tokens, "limits": limits, "health": health, "rotated": rotated, "watch": watch}[part](System(folder, ports))


main()
