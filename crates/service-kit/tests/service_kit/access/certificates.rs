//! Callers who show a client certificate, through the real port.

use service_kit::access::Role;
use service_kit::settings::AuthMode;
use tonic::{Request, Status};

use super::identity::{Signer, amira, bearing, believing, claims, in_file, jwks, reason, said};
use crate::certificates::{Authority, Files, Pair, secured};
use crate::probe::{Running, asked, echo, in_time, open, start};

/// A server that speaks TLS and believes certificates of `clients`, tokens of `signer`, or both, as the mode says.
struct Secured {
    server: Running,
    servers: Authority,
    clients: Authority,
    signer: Signer,
    _folders: (Files, tempfile::TempDir),
}

impl Secured {
    async fn start(mode: AuthMode, roles: &[Role]) -> Self {
        let (servers, clients, signer) = (Authority::new("servers"), Authority::new("clients"), Signer::new("one"));
        let files = Files::of(&servers.server());
        let (folder, keys) = in_file(&jwks(&[&signer]));
        let mut host = believing("case-test", keys).0;
        host.process.settings.tls = files.settings();
        host.process.settings.tls.client_ca = Some(files.write("clients.pem", &clients.pem()));
        host.process.settings.auth.mode = mode;
        host.process.settings.auth.certificate_roles = roles.to_vec();
        Self { server: start(host).await, servers, clients, signer, _folders: (files, folder) }
    }

    /// The actor of a call.
    async fn told(&self, shown: Option<&Pair>, request: Request<String>) -> Result<String, Status> {
        let mut client = secured(self.server.address, self.servers.client(shown)).await.unwrap();
        let answer = echo(&mut client, request).await?;
        Ok(answer.get_ref().split(' ').next().unwrap().to_owned())
    }

    fn worker(&self) -> Pair {
        self.clients.named("case-worker.test")
    }
}

fn nothing(text: &str) -> Request<String> {
    Request::new(text.to_owned())
}

#[tokio::test]
async fn a_certificate_does_instead_of_a_token_and_a_token_comes_first() {
    let system = Secured::start(AuthMode::Jwt, &[Role::Service]).await;
    let worker = system.worker();
    assert_eq!(system.told(Some(&worker), nothing("who")).await.unwrap(), "case-worker.test");
    assert_eq!(system.told(Some(&worker), asked("who")).await.unwrap(), "case-worker.test", "x-actor-id says nothing");
    let mut client = secured(system.server.address, system.servers.client(Some(&worker))).await.unwrap();
    let mut stream = open(&mut client, nothing("endless")).await.expect("a service may");
    assert_eq!(in_time(stream.message()).await.unwrap().as_deref(), Some("first"));

    let agent = system.signer.sign(&amira());
    assert_eq!(system.told(Some(&worker), bearing("who", &agent)).await.unwrap(), "amira");
    let viewer = system.signer.sign(&claims("amira", &["viewer"], serde_json::json!({})));
    let status = system.told(Some(&worker), bearing("who", &viewer)).await.unwrap_err();
    assert_eq!(reason(&status), "PERMISSION_DENIED", "the certificate lends nothing to the token");
    let status = system.told(Some(&worker), bearing("who", "no.good.token")).await.unwrap_err();
    assert_eq!(reason(&status), "CREDENTIALS_INVALID", "nor does it stand in for a bad one");

    assert_eq!(reason(&system.told(None, nothing("who")).await.unwrap_err()), "CREDENTIALS_MISSING");
    assert_eq!(system.told(None, bearing("who", &agent)).await.unwrap(), "amira", "people have no certificates");
}

#[tokio::test]
async fn a_certificate_has_the_roles_that_the_settings_give_it() {
    let system = Secured::start(AuthMode::Jwt, &[Role::Viewer]).await;
    let status = system.told(Some(&system.worker()), nothing("who")).await.unwrap_err();
    assert_eq!((reason(&status).as_str(), said(&status, "permission").as_str()), ("PERMISSION_DENIED", "probe.echo"));
}

#[tokio::test]
async fn a_certificate_whose_name_cannot_be_an_actor_is_refused() {
    for mode in [AuthMode::Jwt, AuthMode::Mtls] {
        let system = Secured::start(mode, &[Role::Service]).await;
        for name in ["two words", &"x".repeat(129)] {
            let nameless = system.clients.named(name);
            let status = system.told(Some(&nameless), nothing("who")).await.unwrap_err();
            let told = (reason(&status), said(&status, "check"));
            assert_eq!(told, ("CREDENTIALS_INVALID".to_owned(), "certificate".to_owned()), "{name}");
        }
    }
}

#[tokio::test]
async fn with_mtls_only_the_certificate_counts() {
    let system = Secured::start(AuthMode::Mtls, &[Role::Service]).await;
    let worker = system.worker();
    assert_eq!(system.told(Some(&worker), nothing("who")).await.unwrap(), "case-worker.test");
    let agent = system.signer.sign(&amira());
    assert_eq!(system.told(Some(&worker), bearing("who", &agent)).await.unwrap(), "case-worker.test");
    assert!(system.told(Some(&worker), bearing("who", "no.good.token")).await.is_ok(), "it is not even looked at");
}
