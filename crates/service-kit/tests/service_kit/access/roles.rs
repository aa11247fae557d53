//! Who may do what, through the real port.

use std::sync::Arc;

use serde_json::json;
use service_kit::diagnostics::pb::GetDiagnosticsRequest;
use service_kit::diagnostics::pb::diagnostics_service_client::DiagnosticsServiceClient;
use service_kit::exit::ExitCode;
use service_kit::health::Health;
use service_kit::host::bind;
use tokio_util::sync::CancellationToken;
use tonic::{Code, Request};
use tonic_reflection::pb::v1::ServerReflectionRequest;
use tonic_reflection::pb::v1::server_reflection_client::ServerReflectionClient;
use tonic_reflection::pb::v1::server_reflection_request::MessageRequest;

use super::identity::{Signer, bearing, believing, claims, in_file, jwks, reason, said};
use crate::probe::{Running, asked, channel, echo, host, in_time, open, plain, start, unary};

struct Believer {
    signer: Arc<Signer>,
    server: Running,
    _folder: tempfile::TempDir,
}

impl Believer {
    async fn start() -> Self {
        let signer = Arc::new(Signer::new("one"));
        let (folder, keys) = in_file(&jwks(&[&signer]));
        Self { signer, server: start(believing("case-test", keys).0).await, _folder: folder }
    }

    fn of(&self, text: &str, roles: &[&str]) -> Request<String> {
        bearing(text, &self.signer.sign(&claims("amira", roles, json!({}))))
    }
}

#[tokio::test]
async fn only_a_role_with_the_permission_gets_through() {
    let mut believer = Believer::start().await;
    let mut client = plain(&believer.server).await;
    for (roles, allowed) in [
        (&["agent"][..], true),
        (&["service"], true),
        (&["viewer", "agent"], true),
        (&["viewer"], false),
        (&["supervisor"], false),
        (&["operator", "auditor"], false),
        (&["Agent", "root", "admin"], false),
        (&[], false),
    ] {
        let answer = echo(&mut client, believer.of("hello", roles)).await;
        assert_eq!(answer.is_ok(), allowed, "{roles:?}");
        match answer {
            Ok(_) => assert_eq!(believer.server.next_begun().await, "hello"),
            Err(status) => {
                assert_eq!((status.code(), reason(&status).as_str()), (Code::PermissionDenied, "PERMISSION_DENIED"));
                assert_eq!(said(&status, "permission"), "probe.echo");
                assert_eq!(said(&status, "method"), "test.v1.Probe/Echo");
                assert!(believer.server.begun.try_recv().is_err(), "the handler has not been asked");
            }
        }
    }
}

#[tokio::test]
async fn streams_need_their_permission_too() {
    let believer = Believer::start().await;
    let mut client = plain(&believer.server).await;
    let status = open(&mut client, believer.of("endless", &["agent"])).await.unwrap_err();
    assert_eq!((status.code(), said(&status, "permission").as_str()), (Code::PermissionDenied, "probe.stream"));
    let mut stream = open(&mut client, believer.of("endless", &["service"])).await.unwrap();
    assert_eq!(in_time(stream.message()).await.unwrap().as_deref(), Some("first"));
}

#[tokio::test]
async fn permission_comes_before_what_is_asked_for() {
    let believer = Believer::start().await;
    let mut client = plain(&believer.server).await;
    let allowed = echo(&mut client, believer.of("missing", &["agent"])).await.unwrap_err();
    assert_eq!(allowed.code(), Code::NotFound, "the control: who may, learns that it is not there");
    let denied = echo(&mut client, believer.of("missing", &["viewer"])).await.unwrap_err();
    assert_eq!(denied.code(), Code::PermissionDenied);
    let too_large = echo(&mut client, believer.of(&"x".repeat(2_000), &["viewer"])).await.unwrap_err();
    assert_eq!(too_large.code(), Code::PermissionDenied, "the message is not even read");
}

#[tokio::test]
async fn a_method_that_is_not_there_is_not_there_for_anybody() {
    let believer = Believer::start().await;
    let mut client = plain(&believer.server).await;
    for path in ["/test.v1.Probe/Nothing", "/other.v1.Service/Echo"] {
        for roles in [&[][..], &["agent"]] {
            let status = unary(&mut client, path, believer.of("hello", roles)).await.unwrap_err();
            assert_eq!((status.code(), reason(&status).as_str()), (Code::Unimplemented, "UNIMPLEMENTED"));
            assert_eq!(said(&status, "method"), path);
        }
        let status = unary(&mut client, path, Request::new(String::new())).await.unwrap_err();
        assert_eq!(reason(&status), "CREDENTIALS_MISSING", "who shows nothing learns not even that");
    }
}

#[tokio::test]
async fn in_insecure_mode_an_actor_has_every_role() {
    let server = start(host("case-test")).await;
    let mut client = plain(&server).await;
    assert!(echo(&mut client, asked("hello")).await.is_ok());
    assert!(open(&mut client, asked("short")).await.is_ok());
}

#[tokio::test]
async fn health_and_reflection_ask_for_nobody() {
    let believer = Believer::start().await;
    assert_eq!(crate::health::check(&believer.server, "readiness").await, Ok(crate::health::SERVING));
    let mut client = ServerReflectionClient::new(channel(&believer.server).await);
    let question = ServerReflectionRequest {
        host: String::new(),
        message_request: Some(MessageRequest::ListServices(String::new())),
    };
    let mut answers =
        in_time(client.server_reflection_info(tokio_stream::iter([question]))).await.unwrap().into_inner();
    assert!(in_time(answers.message()).await.unwrap().is_some());
}

#[tokio::test]
async fn diagnostics_are_for_operators_and_say_how_the_keys_are_read() {
    let believer = Believer::start().await;
    let mut client = DiagnosticsServiceClient::new(channel(&believer.server).await);
    let mut asked_by = async |roles: &[&str]| {
        let request = believer.of("", roles).map(|_| GetDiagnosticsRequest::default());
        in_time(client.get_diagnostics(request)).await
    };
    for roles in [&[][..], &["viewer", "agent", "supervisor", "auditor", "service"]] {
        let status = asked_by(roles).await.unwrap_err();
        assert_eq!((status.code(), said(&status, "permission").as_str()), (Code::PermissionDenied, "diagnostics.read"));
    }
    let told = asked_by(&["operator"]).await.unwrap().into_inner().diagnostics.unwrap();
    let provider = told.dependencies.iter().find(|found| found.name == "identity-provider").expect("it is reported");
    assert_eq!(provider.last_failure, "");
}

#[tokio::test]
async fn a_server_with_a_method_that_has_no_rule_does_not_start() {
    let mut without = host("case-test");
    without.rules = &without.rules[..1];
    let listener = bind("127.0.0.1:0".parse().unwrap()).await.unwrap();
    let (begun, _) = tokio::sync::mpsc::unbounded_channel();
    let exit = in_time(crate::probe::serve(without, listener, begun, CancellationToken::new())).await.unwrap_err();
    assert_eq!(exit.code, ExitCode::Configuration);
    assert!(exit.message.contains("test.v1.Probe/Stream"), "{exit}");
    assert!(!exit.message.contains("Echo"), "{exit}");
}

#[tokio::test]
async fn a_service_that_only_shares_the_descriptors_is_not_there() {
    let mut elsewhere = host("case-test");
    elsewhere.health = Health::new(&[]);
    // Nobody needs a rule for what is not served here.
    elsewhere.rules = &[];
    let server = start(elsewhere).await;
    let status = echo(&mut plain(&server).await, asked("hello")).await.unwrap_err();
    assert_eq!((status.code(), reason(&status).as_str()), (Code::Unimplemented, "UNIMPLEMENTED"));
}
