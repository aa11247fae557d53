//! Servers that speak TLS: who gets in, who does not, and what happens while they run.

use std::path::PathBuf;
use std::time::Duration;

use service_kit::exit::ExitCode;
use service_kit::host::{Host, bind};
use service_kit::reload::{ReloadTrigger, reload};
use service_kit::settings::AuthMode;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_util::sync::CancellationToken;
use tonic::service::Routes;
use tracing_subscriber::layer::SubscriberExt;

use crate::certificates::{Authority, Files, Pair, secured, tls};
use crate::probe::{Lines, Running, asked, counted, echo, gauged, host, in_time, plain, start};
use crate::program::{Ended, ended};

/// A server with a certificate, and the other end of its reloads.
async fn secure(name: &'static str, files: &Files, change: impl FnOnce(&mut Host)) -> (Running, ReloadTrigger) {
    let mut host = host(name);
    host.process.settings.tls = files.settings();
    let (trigger, reload) = reload();
    host.process.reload = reload;
    change(&mut host);
    (start(host).await, trigger)
}

/// Everything that a server says to a peer that says `opening`, until it closes.
async fn answer_to(server: &Running, opening: &[u8]) -> Vec<u8> {
    let mut peer = in_time(TcpStream::connect(server.address)).await.unwrap();
    peer.write_all(opening).await.unwrap();
    let mut heard = Vec::new();
    // Closed, with or without a farewell.
    let _ = in_time(peer.read_to_end(&mut heard)).await;
    heard
}

#[tokio::test]
async fn a_server_with_a_certificate_speaks_tls_and_nothing_else() {
    let (authority, name) = (Authority::new("authority"), "case-tls-only");
    let files = Files::of(&authority.server());
    let (server, _trigger) = secure(name, &files, |host| {
        // Not what closes the others here.
        host.process.settings.limits.handshake_timeout = Duration::from_hours(1);
    })
    .await;
    let mut client = secured(server.address, authority.client(None)).await.unwrap();
    assert_eq!(echo(&mut client, asked("hello")).await.unwrap().get_ref(), "hello");
    for opening in [b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".as_slice(), b"GET / HTTP/1.1\r\n\r\n"] {
        let heard = answer_to(&server, opening).await;
        assert!(heard.first().is_none_or(|first| *first == 21), "a TLS alert or nothing: {heard:?}");
    }
    assert_eq!(counted(name, "casetracker.server.connections_refused", "not_tls"), 2);
    // The control: without a certificate the same opening is answered, with settings.
    let open = start(host("case-test")).await;
    assert_eq!(echo(&mut plain(&open).await, asked("hello")).await.unwrap().get_ref(), "hello");
}

#[tokio::test]
async fn inside_tls_there_is_http_2_or_nothing() {
    let authority = Authority::new("authority");
    let files = Files::of(&authority.server());
    let (server, _trigger) = secure("case-test", &files, |host| {
        host.process.settings.limits.handshake_timeout = Duration::from_hours(1);
    })
    .await;
    let mut old = authority.client(None);
    old.alpn_protocols = vec![b"http/1.1".to_vec()];
    let error = tls(server.address, &old).await.unwrap_err();
    assert!(error.to_string().contains("NoApplicationProtocol"), "{error}");
    // Who does not say what it speaks is listened to, and has to speak HTTP/2 then.
    old.alpn_protocols.clear();
    let mut stream = tls(server.address, &old).await.unwrap();
    stream.write_all(b"GET / HTTP/1.1\r\n\r\n").await.unwrap();
    let mut heard = Vec::new();
    let _ = in_time(stream.read_to_end(&mut heard)).await;
    assert!(!heard.starts_with(b"HTTP/1"), "closed, and not answered");
}

#[tokio::test]
async fn a_client_certificate_is_believed_if_its_authority_is() {
    let (authority, clients) = (Authority::new("servers"), Authority::new("clients"));
    let files = Files::of(&authority.server());
    let client_ca = files.write("clients.pem", &clients.pem());
    let (server, _trigger) = secure("case-test", &files, |host| {
        host.process.settings.tls.client_ca = Some(client_ca);
    })
    .await;
    let who = async |shown: Option<&Pair>| {
        let mut client = secured(server.address, authority.client(shown)).await.ok()?;
        echo(&mut client, asked("peer")).await.ok().map(tonic::Response::into_inner)
    };
    assert_eq!(who(None).await.as_deref(), Some("nobody"));
    assert_eq!(who(Some(&clients.named("case-query.test"))).await.as_deref(), Some("case-query.test"));
    let forged = Authority::new("clients").named("case-query.test");
    assert_eq!(who(Some(&forged)).await, None, "an authority by the same name is another one");
}

#[tokio::test]
async fn with_mtls_nobody_comes_in_without_a_certificate() {
    let (authority, clients, name) = (Authority::new("servers"), Authority::new("clients"), "case-mtls");
    let files = Files::of(&authority.server());
    let client_ca = files.write("clients.pem", &clients.pem());
    let (server, _trigger) = secure(name, &files, |host| {
        host.process.settings.tls.client_ca = Some(client_ca);
        host.process.settings.auth.mode = AuthMode::Mtls;
    })
    .await;
    // In TLS 1.3 the client learns of it with its first answer.
    let answered = async |shown: Option<&Pair>| {
        let Ok(mut client) = secured(server.address, authority.client(shown)).await else { return false };
        match echo(&mut client, asked("hello")).await {
            Ok(_) => true,
            Err(status) => status.metadata().contains_key("x-request-id"),
        }
    };
    assert!(!answered(None).await);
    assert!(!answered(Some(&authority.named("case-query.test"))).await, "of another authority");
    assert!(answered(Some(&clients.named("case-query.test"))).await);
    assert_eq!(counted(name, "casetracker.server.connections_refused", "client_certificate"), 2);
}

#[tokio::test]
async fn a_peer_that_shakes_hands_for_ever_holds_up_nobody_and_is_closed() {
    let (authority, name) = (Authority::new("authority"), "case-slow-hands");
    let files = Files::of(&authority.server());
    let (server, _trigger) = secure(name, &files, |host| {
        host.process.settings.limits.handshake_timeout = Duration::from_millis(300);
    })
    .await;
    let mut silent = TcpStream::connect(server.address).await.unwrap();
    let mut half = TcpStream::connect(server.address).await.unwrap();
    half.write_all(&[22, 3, 1]).await.unwrap();
    let mut client = secured(server.address, authority.client(None)).await.unwrap();
    assert_eq!(echo(&mut client, asked("hello")).await.unwrap().get_ref(), "hello");
    // Spoken TLS, and then nothing.
    let mut quiet = tls(server.address, &authority.client(None)).await.unwrap();
    let mut heard = Vec::new();
    let _ = in_time(silent.read_to_end(&mut heard)).await;
    let _ = in_time(half.read_to_end(&mut heard)).await;
    let _ = in_time(quiet.read_to_end(&mut heard)).await;
    assert_eq!(counted(name, "casetracker.server.connections_refused", "handshake_timeout"), 3);
    assert_eq!(echo(&mut client, asked("idle is not silent")).await.unwrap().get_ref(), "idle is not silent");
}

/// The certificate that a server shows now.
async fn shown(server: &Running, authority: &Authority) -> Vec<u8> {
    let stream = tls(server.address, &authority.client(None)).await.unwrap();
    stream.get_ref().1.peer_certificates().unwrap()[0].to_vec()
}

#[tokio::test]
async fn a_new_certificate_is_shown_without_a_restart_and_a_broken_one_never() {
    let lines = Lines::default();
    let _default = tracing::subscriber::set_default(tracing_subscriber::registry().with(lines.layer()));
    let authority = Authority::new("authority");
    let (first, second, third) = (authority.server(), authority.server(), authority.server());
    let files = Files::of(&first);
    let (server, trigger) = secure("case-test", &files, |_| {}).await;
    let mut standing = secured(server.address, authority.client(None)).await.unwrap();
    let now = async || shown(&server, &authority).await;
    let is = |pair: &Pair| pair.chain()[0].to_vec();
    assert_eq!(now().await, is(&first));
    // Nothing has changed: nothing is said.
    trigger.fire();
    files.write("certificate.pem", &second.certificate);
    trigger.fire();
    in_time(async {
        while lines.of("certificate_reload_failed").is_empty() {
            trigger.fire();
            tokio::task::yield_now().await;
        }
    })
    .await;
    assert_eq!(now().await, is(&first), "the certificate without its key");
    files.write("key.pem", &second.key);
    in_time(async {
        while now().await != is(&second) {
            trigger.fire();
        }
    })
    .await;
    std::fs::remove_file(files.folder.path().join("key.pem")).unwrap();
    in_time(async {
        while lines.of("certificate_reload_failed").len() < 2 {
            trigger.fire();
            tokio::task::yield_now().await;
        }
    })
    .await;
    assert_eq!(now().await, is(&second));
    files.write("certificate.pem", &third.certificate);
    files.write("key.pem", &third.key);
    in_time(async {
        while now().await != is(&third) {
            trigger.fire();
        }
    })
    .await;
    assert_eq!(echo(&mut standing, asked("still here")).await.unwrap().get_ref(), "still here");
    assert_eq!(lines.of("certificate_reload_failed").len(), 2, "each once: {}", lines.text());
    let reloaded = lines.of("certificate_reloaded");
    assert_eq!(reloaded.len(), 2);
    assert_eq!(
        (reloaded[0]["level"].as_str(), reloaded[0]["not_after"].as_str()),
        (Some("INFO"), Some("2100-01-01T00:00:00Z"))
    );
    assert!(!lines.text().contains("PRIVATE KEY"));
}

#[tokio::test]
async fn the_end_of_a_certificate_is_a_metric_and_near_it_a_warning() {
    let lines = Lines::default();
    let _default = tracing::subscriber::set_default(tracing_subscriber::registry().with(lines.layer()));
    let authority = Authority::new("authority");
    let past = Files::of(&authority.server_until((2020, 1, 1)));
    let (server, _trigger) = secure("case-expired", &past, |_| {}).await;
    // It is up when it shakes hands, whatever comes of that.
    tls(server.address, &authority.client(None)).await.unwrap_err();
    let warned = lines.of("certificate_expires");
    assert_eq!(warned.len(), 1);
    assert_eq!(warned[0]["not_after"], "2020-01-01T00:00:00Z");
    assert!(gauged("case-expired", "casetracker.tls.certificate.expiry", "") < 0.0);
    // The control: one that lasts is not warned about.
    let lasting = Files::of(&authority.server());
    let (server, _trigger) = secure("case-lasting", &lasting, |_| {}).await;
    shown(&server, &authority).await;
    assert_eq!(lines.of("certificate_expires").len(), 1);
    assert!(gauged("case-lasting", "casetracker.tls.certificate.expiry", "") > 14.0 * 86_400.0);
}

#[tokio::test]
async fn a_server_does_not_start_with_certificates_that_cannot_serve() {
    let authority = Authority::new("authority");
    let (pair, other) = (authority.server(), authority.server());
    let served = async |change: &dyn Fn(&Files, &mut Host)| {
        let files = Files::of(&pair);
        let mut host = host("case-test");
        host.process.settings.tls = files.settings();
        change(&files, &mut host);
        // The other end of the reloads is gone: there are none.
        let shutdown = CancellationToken::new();
        shutdown.cancel();
        let listener = bind("127.0.0.1:0".parse().unwrap()).await.unwrap();
        let early = service_kit::tls::check(&host.process.settings);
        let late = in_time(host.serve(listener, Routes::default(), &[], shutdown)).await;
        assert_eq!(early, late, "the check before the start finds what the start finds");
        late
    };
    assert_eq!(served(&|_, _| {}).await, Ok(()), "the control");
    let refused = async |change: &dyn Fn(&Files, &mut Host), said: [&str; 2]| {
        let exit = served(change).await.unwrap_err();
        assert_eq!(exit.code, ExitCode::Configuration);
        assert!(said.iter().all(|said| exit.message.contains(said)) && exit.message.lines().count() == 1, "{exit}");
        assert!(!exit.message.contains("PRIVATE KEY"));
    };
    let missing = |files: &Files, _: &mut Host| std::fs::remove_file(files.folder.path().join("key.pem")).unwrap();
    refused(&missing, ["tls.key", "key.pem cannot be read: No such file"]).await;
    let empty = |files: &Files, _: &mut Host| drop(files.write("certificate.pem", "nothing"));
    refused(&empty, ["tls.certificate", "certificate.pem has no certificate in it"]).await;
    let strange = |files: &Files, _: &mut Host| drop(files.write("key.pem", &other.key));
    refused(&strange, ["tls.key", "does not serve for tls.certificate"]).await;
    let alone = |_: &Files, host: &mut Host| host.process.settings.auth.mode = AuthMode::Mtls;
    refused(&alone, ["mtls", "tls.client_ca"]).await;
    let half = |_: &Files, host: &mut Host| host.process.settings.tls.key = None;
    refused(&half, ["tls.certificate", "tls.key"]).await;
}

#[tokio::test]
async fn a_drain_does_not_wait_for_handshakes() {
    let authority = Authority::new("authority");
    let files = Files::of(&authority.server());
    let (server, _trigger) = secure("case-test", &files, |host| {
        host.process.settings.limits.handshake_timeout = Duration::from_hours(1);
        host.process.settings.drain_timeout = Duration::from_hours(1);
    })
    .await;
    let mut half = TcpStream::connect(server.address).await.unwrap();
    half.write_all(&[22, 3, 1]).await.unwrap();
    let mut quiet = tls(server.address, &authority.client(None)).await.unwrap();
    let mut client = secured(server.address, authority.client(None)).await.unwrap();
    assert_eq!(echo(&mut client, asked("hello")).await.unwrap().get_ref(), "hello");
    server.stop().await;
    let mut heard = Vec::new();
    let _ = in_time(half.read_to_end(&mut heard)).await;
    let _ = in_time(quiet.read_to_end(&mut heard)).await;
}

#[tokio::test]
async fn who_speaks_only_tls_1_2_is_answered_too() {
    let authority = Authority::new("authority");
    let files = Files::of(&authority.server());
    let (server, _trigger) = secure("case-test", &files, |_| {}).await;
    let mut client = secured(server.address, authority.client_of(&[&rustls::version::TLS12], None)).await.unwrap();
    assert_eq!(echo(&mut client, asked("hello")).await.unwrap().get_ref(), "hello");
}

/// What `healthcheck` says of a server, with the files of the settings in its environment.
async fn checked(server: &Running, mode: &'static str, files: &[(&'static str, PathBuf)]) -> Ended {
    let mut variables = vec![
        ("CASE_TRACKER__COMMAND__LISTEN", server.address.to_string()),
        ("CASE_TRACKER__AUTH__MODE", mode.to_owned()),
    ];
    variables.extend(files.iter().map(|(key, path)| (*key, path.display().to_string())));
    let check = move || {
        let variables: Vec<_> = variables.iter().map(|(key, value)| (*key, value.as_str())).collect();
        ended(&["healthcheck"], &variables)
    };
    in_time(tokio::task::spawn_blocking(check)).await.unwrap()
}

#[tokio::test]
async fn the_healthcheck_believes_the_servers_own_certificate_whatever_its_name_and_no_other() {
    let authority = Authority::new("authority");
    let (own, next) = (authority.named("cases.example.test"), authority.named("cases.example.test"));
    let files = Files::of(&own);
    let (server, _trigger) = secure("case-test", &files, |_| {}).await;
    let paths = |files: &Files| {
        let path = |name| files.folder.path().join(name);
        vec![("CASE_TRACKER__TLS__CERTIFICATE", path("certificate.pem")), ("CASE_TRACKER__TLS__KEY", path("key.pem"))]
    };
    let healthy = checked(&server, "insecure", &paths(&files)).await;
    assert_eq!((healthy.code, healthy.stderr.as_str()), (Some(0), ""), "{}", healthy.stdout);
    // The file is newer than what the server shows: another certificate.
    let newer = Files::of(&next);
    let strange = checked(&server, "insecure", &paths(&newer)).await;
    assert_eq!(strange.code, Some(1), "{}", strange.stdout);
    assert!(strange.stdout.contains("UnknownIssuer"), "{}", strange.stdout);
    let mut with_authority = paths(&newer);
    with_authority.push(("CASE_TRACKER__TLS__CA", newer.write("ca.pem", &authority.pem())));
    assert_eq!(checked(&server, "insecure", &with_authority).await.code, Some(0), "its authority vouches for it");
    let plain = checked(&server, "insecure", &[]).await;
    assert_eq!(plain.code, Some(1), "without TLS it is not heard: {}", plain.stdout);
}

#[tokio::test]
async fn the_healthcheck_shows_its_certificate_where_one_is_needed() {
    let authority = Authority::new("authority");
    let files = Files::of(&authority.named("cases.example.test"));
    let client_ca = files.write("clients.pem", &authority.pem());
    let (server, _trigger) = secure("case-test", &files, |host| {
        host.process.settings.tls.client_ca = Some(client_ca.clone());
        host.process.settings.auth.mode = AuthMode::Mtls;
    })
    .await;
    let paths = [
        ("CASE_TRACKER__TLS__CERTIFICATE", files.folder.path().join("certificate.pem")),
        ("CASE_TRACKER__TLS__KEY", files.folder.path().join("key.pem")),
        ("CASE_TRACKER__TLS__CLIENT_CA", client_ca.clone()),
    ];
    let with = checked(&server, "mtls", &paths).await;
    assert_eq!((with.code, with.stderr.as_str()), (Some(0), ""), "{}", with.stdout);
    // The control: without the mode it shows nothing, and is not let in.
    let without = checked(&server, "insecure", &paths[..2]).await;
    assert!(without.code == Some(1) && !without.stdout.contains("SERVING"), "{}", without.stdout);
}
