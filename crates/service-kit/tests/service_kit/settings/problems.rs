//! Mistakes in the configuration: found all at once, and named with their sources.

use std::net::SocketAddr;

use service_kit::settings::{Configuration, Fault, Settings, load};

use super::{Place, all, file_source};

/// A binary that serves only queries.
fn query(settings: &Settings) -> Vec<SocketAddr> {
    vec![settings.query.listen]
}

#[test]
fn all_problems_are_reported_at_once_with_their_sources() {
    let file = "drain_timeout = 10\n\n[comand]\nlisten = \"127.0.0.1:1\"\n\n[command]\nlisten = \"localhost\"\n\
                audit_max_backlog = 0\n";
    let environment = [
        ("CASE_TRACKER__AUTH__MODE", "oauth"),
        ("CASE_TRACKER__TELEMETRY__SAMPLE_RATIO", "1.5"),
        ("CASE_TRACKER__LOG__LEVL", "secret"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "collector:4317"),
    ];
    let lines = Place::new().file(file).environment(environment).data_dir("").lines();
    let expected = [
        "comand.listen (file FILE, line 4): there is no such key; did you mean command.listen?",
        "CASE_TRACKER__LOG__LEVL: there is no such key; did you mean CASE_TRACKER__LOG__LEVEL?",
        "data_dir = \"\" (flag --data-dir): allowed is a path",
        "drain_timeout = 10 (file FILE, line 1): allowed is a duration with its unit, such as \"10s\", from 0s to 10m",
        "command.listen = \"localhost\" (file FILE, line 7): allowed is IP:PORT, such as \"127.0.0.1:50051\" or \
         \"[::1]:50051\"",
        "command.audit_max_backlog = 0 (file FILE, line 8): allowed is a whole number of at least 1",
        "auth.mode = \"oauth\" (environment variable CASE_TRACKER__AUTH__MODE): allowed is \"insecure\", \"jwt\" or \
         \"mtls\"",
        "telemetry.otlp_endpoint = \"collector:4317\" (environment variable OTEL_EXPORTER_OTLP_ENDPOINT): allowed is \
         \"http://HOST:PORT\" or \"https://HOST:PORT\", or \"\" for none",
        "telemetry.sample_ratio = 1.5 (environment variable CASE_TRACKER__TELEMETRY__SAMPLE_RATIO): allowed is a number \
         from 0.0 to 1.0",
    ];
    assert_eq!(lines, expected);
}

#[test]
fn values_outside_their_limits_are_refused() {
    let refused: [(&str, &[&str]); 28] = [
        ("environment", &["\"\"", "\"a b\"", "1"]),
        ("drain_timeout", &["\"11m\"", "\"10\"", "\"-1s\"", "true"]),
        ("command.listen", &["\":50051\"", "\"localhost:50051\"", "50051"]),
        ("command.store", &["\"sqlite:\"", "\"postgres://db/x\"", "\"data.db\""]),
        ("command.case_id_prefix", &["\"\"", "\"case\"", "\"1CASE\"", "\"ABCDEFGHIJKLMNOPQ\"", "\"C-1\""]),
        ("command.audit_max_backlog", &["0", "-1", "2.5", "true", "\"1\""]),
        ("command.required_consumers", &["\"case-audit\"", "[\"\"]", "[\"Case\"]", "[1]"]),
        ("query.feed_url", &["\"\"", "\"http://h\"", "\"https://h\"", "\"http://h:1/p\"", "\"http://u:p@h:1\""]),
        ("audit.feed_url", &["\"ftp://h:1\"", "\"https://h:443/p\""]),
        ("query.freshness_wait", &["\"61s\"", "2"]),
        ("idempotency.retention", &["\"0s\"", "\"4000d\""]),
        ("auth.insecure_anywhere", &["\"yes\"", "1"]),
        ("auth.jwks", &["\"https://\"", "\"https://u:p@h/jwks\"", "1"]),
        ("auth.jwks_refresh", &["\"9s\"", "\"25h\""]),
        ("auth.clock_skew", &["\"11m\"", "60"]),
        ("auth.actor_claim", &["\"\""]),
        ("auth.certificate_roles", &["\"service\"", "[\"king\"]"]),
        ("auth.token", &["\"a b\"", "\"[redacted]\"", "\"a\\nb\""]),
        ("probe.interval", &["\"99ms\"", "\"11m\""]),
        ("probe.disk_free_bytes_min", &["-1", "\"64MiB\""]),
        ("telemetry.otlp_endpoint", &["\"grpc://h:1\"", "\"http://h:1?x=y\""]),
        ("telemetry.otlp_headers", &["\"api-key\"", "\"[redacted]\""]),
        ("telemetry.caller_traces_per_second", &["-1", "1000001"]),
        ("telemetry.sample_ratio", &["-0.1", "1.1", "nan", "\"1\"", "2"]),
        ("log.format", &["\"xml\"", "\"JSON\""]),
        ("log.level", &["\"\"", "\"inof\"", "\"info,x=loud\""]),
        ("limits.requests_in_flight", &["0", "1000001"]),
        ("limits.message_bytes", &["65535", "67108865", "\"4MiB\""]),
    ];
    for (key, values) in refused {
        for value in values {
            let place = Place::new().file(&format!("{key} = {value}\n"));
            let problems = place.problems();
            assert_eq!(problems.len(), 1, "{key} = {value}: {problems:?}");
            assert!(matches!(problems[0].fault, Fault::NotAllowed(_)), "{key} = {value}: {}", problems[0]);
        }
    }
}

#[test]
fn values_at_their_limits_are_accepted() {
    for line in [
        "drain_timeout = \"0s\"",
        "drain_timeout = \"10m\"",
        "telemetry.sample_ratio = 0",
        "telemetry.sample_ratio = 1",
        "limits.message_bytes = 65536",
        "limits.message_bytes = 67108864",
        "limits.requests_in_flight = 1",
        "query.feed_url = \"http://case-command:80\"",
        "query.feed_url = \"http://[::1]:50051/\"",
        "query.feed_url = \"https://case-command:443\"",
        "audit.feed_url = \"https://case-command:50051\"",
        "telemetry.otlp_endpoint = \"https://collector:4317\"",
        "auth.jwks = \"https://id.example/jwks\"",
        "auth.jwks = \"keys/public.pem\"",
        "auth.token = \"aZ09-._~+/=\"",
        "command.required_consumers = []",
        "command.case_id_prefix = \"ABCDEFGHIJKLMNOP\"",
        "log.level = \"info,case_query=debug\"",
    ] {
        Place::new().file(line).loaded();
    }
}

#[test]
fn unknown_keys_name_the_nearest_and_never_show_a_value() {
    let cases = [
        ("[tracing]\nsample_ratio = 0.5\n", "tracing.sample_ratio", "telemetry.sample_ratio"),
        ("[command]\ndrain_timeout = \"1s\"\n", "command.drain_timeout", "drain_timeout"),
        ("command = 3\n", "command", "command.store"),
        ("[command.listen]\nport = 50051\n", "command.listen.port", "command.listen"),
        ("[limit]\n", "limit", ""),
    ];
    for (file, key, nearest) in cases {
        let problems = Place::new().file(file).problems();
        assert_eq!((problems.len(), problems[0].key.as_str(), &problems[0].value), (1, key, &None), "{problems:?}");
        let text = problems[0].to_string();
        assert!(text.contains(&format!("did you mean {nearest}")), "{text}");
    }
    Place::new().file("[limits]\n").loaded();

    let secret = Place::new().environment([("CASE_TRACKER__AUTH__TOKN", "canary")]);
    assert!(!format!("{:?}", secret.problems()).contains("canary"));
    // Only one spelling is known, or two variables could set the same key.
    let lower = Place::new().environment([("CASE_TRACKER__log__level", "warn")]);
    assert_eq!(
        lower.lines(),
        ["CASE_TRACKER__log__level: there is no such key; did you mean CASE_TRACKER__LOG__LEVEL?"]
    );
}

#[test]
fn passwords_are_never_shown() {
    let place = Place::new().file("command.store = \"postgres://cases:canary@db/cases\"\n");
    assert!(!place.lines()[0].contains("canary"), "{}", place.lines()[0]);
    assert!(!Configuration::read(&place.sources, all).print().contains("canary"));
}

#[test]
fn a_file_that_cannot_be_read_is_one_problem_among_others() {
    let mut missing = Place::new().environment([("CASE_TRACKER__LOG__FORMAT", "xml")]);
    missing.sources.file = Some(missing.path());
    let lines = missing.lines();
    assert_eq!(lines.len(), 2, "{lines:?}");
    assert!(lines[0].starts_with("--config FILE: the file cannot be read: "), "{lines:?}");

    let broken = Place::new().file("environment = \"test\"\n[log\nlevel = \"info\"\n");
    let lines = broken.lines();
    assert_eq!(lines.len(), 1, "{lines:?}");
    assert!(lines[0].starts_with("--config FILE (file FILE, line 2): this is not TOML: "), "{lines:?}");
}

#[test]
fn insecure_beyond_loopback_is_refused_for_what_this_binary_serves() {
    let exposed = "command.listen = \"0.0.0.0:50051\"\n";
    let place = Place::new().file(exposed);
    let problems = place.problems();
    assert_eq!(problems.len(), 1);
    assert_eq!(
        (problems[0].key.as_str(), problems[0].source.clone()),
        ("command.listen", Some(file_source(&place, 1)))
    );
    assert!(problems[0].to_string().contains("auth.insecure_anywhere = true"), "{}", problems[0]);

    assert!(load(&place.sources, query).is_ok(), "the query binary does not serve it");
    Place::new().file(&format!("{exposed}auth.insecure_anywhere = true\n")).loaded();
    Place::new().file("command.listen = \"127.8.8.8:1\"\nquery.listen = \"[::1]:2\"\n").loaded();
    let both = Place::new().file("command.listen = \"[::]:1\"\nquery.listen = \"10.0.0.1:2\"\n");
    assert_eq!(both.problems().len(), 2);
}

#[test]
fn contradictions_are_refused_once() {
    let key = |file: &str| {
        let problems = Place::new().file(file).problems();
        assert_eq!(problems.len(), 1, "{problems:?}");
        problems[0].key.clone()
    };
    assert_eq!(key("query.listen = \"127.0.0.1:50051\"\n"), "query.listen");
    assert_eq!(key("audit.store = \"sqlite:data/query.db\"\n"), "audit.store");
    assert_eq!(key("limits.deadline_max = \"5s\"\n"), "limits.deadline_default");
    // A key that is refused already is not blamed for what its default would contradict.
    assert_eq!(key("limits.deadline_max = \"5 apples\"\nlimits.deadline_default = \"2m\"\n"), "limits.deadline_max");
    assert_eq!(key("auth.mode = \"oauth\"\ncommand.listen = \"0.0.0.0:1\"\n"), "auth.mode");
    Place::new().file("command.listen = \"127.0.0.1:0\"\nquery.listen = \"127.0.0.1:0\"\n").loaded();
}
