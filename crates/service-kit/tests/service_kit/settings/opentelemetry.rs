//! OpenTelemetry's own variables: obeyed, refused or said, never ignored in silence.

use service_kit::settings::{Configuration, Loaded};

use super::{Place, all, variable};

const OURS: (&str, &str) = ("CASE_TRACKER__TELEMETRY__OTLP_ENDPOINT", "http://ours:4317");

fn endpoint(loaded: &Loaded) -> Option<&str> {
    loaded.settings.telemetry.otlp_endpoint.as_deref()
}

fn loaded<const N: usize>(variables: [(&str, &str); N]) -> Loaded {
    Place::new().environment(variables).loaded()
}

fn lines<const N: usize>(variables: [(&str, &str); N]) -> Vec<String> {
    Place::new().environment(variables).lines()
}

fn notices<const N: usize>(variables: [(&str, &str); N]) -> Vec<String> {
    loaded(variables).notices.iter().map(ToString::to_string).collect()
}

#[test]
fn the_standard_endpoint_wins_and_the_switch_wins_over_it() {
    let theirs = ("OTEL_EXPORTER_OTLP_ENDPOINT", "http://theirs:4317");
    let seen = loaded([OURS, theirs]);
    assert_eq!(endpoint(&seen), Some("http://theirs:4317"));
    let source = |loaded: &Loaded| loaded.provenance.source_of("telemetry.otlp_endpoint").cloned();
    assert_eq!(source(&seen), Some(variable("OTEL_EXPORTER_OTLP_ENDPOINT")));

    let disabled = loaded([OURS, theirs, ("OTEL_SDK_DISABLED", "TRUE")]);
    assert_eq!((endpoint(&disabled), source(&disabled)), (None, Some(variable("OTEL_SDK_DISABLED"))));
    assert_eq!(lines([("OTEL_SDK_DISABLED", "1")]), ["OTEL_SDK_DISABLED = \"1\": allowed is \"true\" or \"false\""]);

    let unset = loaded([OURS, ("OTEL_EXPORTER_OTLP_ENDPOINT", ""), ("OTEL_SDK_DISABLED", "false")]);
    assert_eq!(endpoint(&unset), Some("http://ours:4317"));
}

#[test]
fn endpoints_of_the_signals_are_obeyed_where_one_collector_is_meant() {
    let (common, traces, metrics) =
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT");
    let both = loaded([OURS, (traces, "http://a:1"), (metrics, "http://a:1/")]);
    assert_eq!(endpoint(&both), Some("http://a:1"));
    assert_eq!(both.provenance.source_of("telemetry.otlp_endpoint"), Some(&variable(traces)));
    assert_eq!(endpoint(&loaded([(common, "http://a:1"), (metrics, "http://a:1")])), Some("http://a:1"));
    let traces_only = loaded([(traces, "http://a:1"), ("OTEL_METRICS_EXPORTER", "none"), (common, "http://b:1")]);
    assert_eq!(endpoint(&traces_only), Some("http://a:1"));

    let refused = lines([(traces, "http://u:canary@a:1"), (metrics, "http://b:1")]);
    assert_eq!(refused.len(), 2, "{refused:?}");
    assert!(refused[0].starts_with("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT = ") && !refused[0].contains("canary"));
    assert!(refused[1].contains("set OTEL_EXPORTER_OTLP_ENDPOINT"), "{refused:?}");
    assert_eq!(lines([(traces, "http://a:1")]).len(), 1, "metrics would go nowhere");
}

#[test]
fn exporters_switch_their_signals() {
    let seen = |variables: [(&str, &str); 2]| {
        let telemetry = loaded(variables).settings.telemetry;
        (telemetry.traces, telemetry.metrics)
    };
    assert_eq!(seen([("OTEL_TRACES_EXPORTER", "none"), OURS]), (false, true));
    assert_eq!(seen([("OTEL_METRICS_EXPORTER", "none"), OURS]), (true, false));
    let ours = ("CASE_TRACKER__TELEMETRY__METRICS", "false");
    assert_eq!(seen([ours, ("OTEL_METRICS_EXPORTER", "otlp")]), (true, true));
    assert_eq!(seen([ours, ("OTEL_METRICS_EXPORTER", "")]), (true, false));
    assert_eq!(
        lines([("OTEL_METRICS_EXPORTER", "prometheus")]),
        ["OTEL_METRICS_EXPORTER = \"prometheus\": allowed is \"otlp\" or \"none\""]
    );
}

#[test]
fn samplers_become_the_ratio() {
    let seen = |sampler, argument| {
        let telemetry =
            loaded([("OTEL_TRACES_SAMPLER", sampler), ("OTEL_TRACES_SAMPLER_ARG", argument)]).settings.telemetry;
        (format!("{:?}", telemetry.sample_ratio), telemetry.caller_traces_per_second)
    };
    for (sampler, argument, ratio, caller_traces) in [
        ("always_on", "", "1.0", 100),
        ("always_off", "", "0.0", 0),
        ("parentbased_always_on", "", "1.0", 100),
        ("parentbased_always_off", "", "0.0", 100),
        ("traceidratio", "0.25", "0.25", 100),
        ("parentbased_traceidratio", "0.25", "0.25", 100),
        ("parentbased_traceidratio", "1", "1.0", 100),
        ("parentbased_traceidratio", "", "1.0", 100),
        ("parentbased_always_off", "0.25", "0.0", 100),
    ] {
        assert_eq!(seen(sampler, argument), (ratio.to_owned(), caller_traces), "{sampler} {argument}");
    }
    let sampler = ("OTEL_TRACES_SAMPLER", "traceidratio");
    for argument in ["1.5", "half", "-1"] {
        let refused = lines([sampler, ("OTEL_TRACES_SAMPLER_ARG", argument)]);
        assert_eq!(refused.len(), 1, "{refused:?}");
        assert!(refused[0].contains("OTEL_TRACES_SAMPLER_ARG") && refused[0].contains("0.0 to 1.0"), "{refused:?}");
    }
    assert!(lines([("OTEL_TRACES_SAMPLER", "xray")])[0].starts_with("OTEL_TRACES_SAMPLER = \"xray\": allowed is "));
    assert_eq!(notices([("OTEL_TRACES_SAMPLER", "parentbased_always_on")]), [""; 0]);
    assert_eq!(notices([sampler]).len(), 1, "callers decide first, which that sampler does not say");
    assert_eq!(notices([("OTEL_TRACES_SAMPLER_ARG", "0.5")]).len(), 1);
}

#[test]
fn attributes_of_the_resource_and_the_name_of_the_service_are_ours() {
    let attributes = "k8s.pod.name=x, deployment.environment.name=prod%2Deu,deployment.environment=old,service.name=a";
    let named = loaded([
        ("CASE_TRACKER__ENVIRONMENT", "ours"),
        ("OTEL_RESOURCE_ATTRIBUTES", attributes),
        ("OTEL_SERVICE_NAME", "cases"),
    ]);
    assert_eq!(named.settings.environment, "prod-eu");
    assert_eq!(named.settings.telemetry.service_name.as_deref(), Some("cases"));
    assert_eq!(named.provenance.source_of("environment"), Some(&variable("OTEL_RESOURCE_ATTRIBUTES")));
    assert_eq!(named.provenance.source_of("telemetry.service_name"), Some(&variable("OTEL_SERVICE_NAME")));
    let unnamed = loaded([("CASE_TRACKER__ENVIRONMENT", "ours"), ("OTEL_RESOURCE_ATTRIBUTES", "service.name=a")]);
    assert_eq!(unnamed.settings.telemetry.service_name.as_deref(), Some("a"));
    assert_eq!(unnamed.settings.environment, "ours");

    assert!(lines([("OTEL_RESOURCE_ATTRIBUTES", "a=b,c")])[0].starts_with("OTEL_RESOURCE_ATTRIBUTES = \"a=b,c\": "));
    let refused = lines([("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment.name=a b")]);
    assert!(refused[0].contains("environment variable OTEL_RESOURCE_ATTRIBUTES"), "{refused:?}");
}

#[test]
fn headers_win_over_ours_and_over_our_file_and_are_never_shown() {
    let place = Place::new();
    let file = place.beside("headers", "api-key=ours");
    let place = place.environment([
        ("CASE_TRACKER__TELEMETRY__OTLP_HEADERS_FILE", &file),
        ("OTEL_EXPORTER_OTLP_HEADERS", "api-key=canary"),
    ]);
    let loaded = place.loaded();
    assert!(loaded.settings.telemetry.otlp_headers.with(|headers| headers == "api-key=canary"));
    assert_eq!(loaded.settings.telemetry.otlp_headers_file, None);
    let printed = Configuration::read(&place.sources, all).print();
    let line = "otlp_headers = \"[redacted]\" # environment variable OTEL_EXPORTER_OTLP_HEADERS";
    assert!(printed.lines().any(|printed| printed == line) && !printed.contains("canary"), "{printed}");

    for variable in ["OTEL_EXPORTER_OTLP_TRACES_HEADERS", "OTEL_EXPORTER_OTLP_METRICS_HEADERS"] {
        let refused = lines([(variable, "api-key=canary")]);
        assert!(refused[0].starts_with(&format!("{variable} = \"[redacted]\": ")), "{refused:?}");
    }
    let refused = lines([("OTEL_EXPORTER_OTLP_HEADERS", "canary")]);
    assert!(refused[0].starts_with("telemetry.otlp_headers = \"[redacted]\" (environment variable "), "{refused:?}");
}

#[test]
fn what_is_not_built_in_is_refused() {
    for (variable, good, bad) in [
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "grpc", "http/protobuf"),
        ("OTEL_EXPORTER_OTLP_METRICS_PROTOCOL", "grpc", "http/json"),
        ("OTEL_EXPORTER_OTLP_COMPRESSION", "none", "gzip"),
        ("OTEL_EXPORTER_OTLP_TRACES_COMPRESSION", "none", "zstd"),
    ] {
        assert_eq!(notices([(variable, good)]), [""; 0]);
        let line = format!("{variable} = \"{bad}\": allowed is \"{good}\", the only one that is built in");
        assert_eq!(lines([(variable, bad)]), [line]);
    }
}

#[test]
fn what_is_not_obeyed_is_said() {
    for (variable, value) in [
        ("OTEL_PROPAGATORS", "b3"),
        ("OTEL_PROPAGATORS", "tracecontext,jaeger"),
        ("OTEL_LOGS_EXPORTER", "otlp"),
        ("OTEL_EXPORTER_OTLP_TIMEOUT", "100"),
        ("OTEL_MADE_UP", "1"),
    ] {
        let said = notices([(variable, value)]);
        assert!(said.len() == 1 && said[0].starts_with(&format!("{variable}: ")), "{variable}: {said:?}");
    }
    for (variable, value) in [
        ("OTEL_PROPAGATORS", "tracecontext,baggage"),
        ("OTEL_LOGS_EXPORTER", "console"),
        ("OTEL_BSP_MAX_QUEUE_SIZE", "100"),
        ("OTEL_MADE_UP", ""),
        ("OTELLO", "a moor"),
    ] {
        assert_eq!(notices([(variable, value)]), [""; 0], "{variable}");
    }
}
