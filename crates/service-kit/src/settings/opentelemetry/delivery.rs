//! Where telemetry goes, and how.

use super::super::problem::Fault;
use super::super::redaction;
use super::variables::{
    COMPRESSIONS, ENDPOINT, HEADERS, METRICS_ENDPOINT, METRICS_EXPORTER, PROTOCOLS, SDK_DISABLED, SIGNAL_HEADERS,
    TRACES_ENDPOINT, TRACES_EXPORTER,
};
use super::{Standard, Variables};

const ENDPOINT_KEY: &str = "telemetry.otlp_endpoint";

/// One kind of telemetry that goes to the collector.
struct Signal {
    exporter: &'static str,
    endpoint: &'static str,
    key: &'static str,
}

const SIGNALS: [Signal; 2] = [
    Signal { exporter: TRACES_EXPORTER, endpoint: TRACES_ENDPOINT, key: "telemetry.traces" },
    Signal { exporter: METRICS_EXPORTER, endpoint: METRICS_ENDPOINT, key: "telemetry.metrics" },
];

pub(super) fn read(variables: Variables<'_>, standard: &mut Standard) {
    let mut sent = Vec::new();
    for signal in SIGNALS {
        match variables.get(signal.exporter) {
            Some("none") => standard.set(signal.key, false, signal.exporter),
            Some("otlp") => {
                standard.set(signal.key, true, signal.exporter);
                sent.push(signal);
            }
            Some(other) => standard.refuse(signal.exporter, other, "\"otlp\" or \"none\""),
            None => sent.push(signal),
        }
    }
    match variables.get(SDK_DISABLED) {
        Some(value) if value.eq_ignore_ascii_case("true") => standard.set(ENDPOINT_KEY, "", SDK_DISABLED),
        Some(value) if !value.eq_ignore_ascii_case("false") => {
            standard.refuse(SDK_DISABLED, value, "\"true\" or \"false\"");
        }
        Some(_) | None => endpoint(variables, &sent, standard),
    }
    headers(variables, standard);
    only(&PROTOCOLS, "grpc", variables, standard);
    only(&COMPRESSIONS, "none", variables, standard);
}

/// A signal's own endpoint comes before the common one. All that is sent goes to one collector.
fn endpoint(variables: Variables<'_>, sent: &[Signal], standard: &mut Standard) {
    let common = variables.get(ENDPOINT).map(|endpoint| (ENDPOINT, endpoint));
    let own = |signal: &Signal| variables.get(signal.endpoint).map(|endpoint| (signal.endpoint, endpoint));
    let chosen: Vec<_> = sent.iter().map(|signal| own(signal).or(common)).collect();
    let endpoint_of =
        |choice: &Option<(&'static str, &str)>| choice.map(|(_, endpoint)| endpoint.trim_end_matches('/').to_owned());
    let first = chosen.first().copied().unwrap_or(common);
    if chosen.iter().all(|choice| endpoint_of(choice) == endpoint_of(&first)) {
        if let Some((variable, endpoint)) = first {
            standard.set(ENDPOINT_KEY, endpoint, variable);
        }
        return;
    }
    let text = format!("traces and metrics go to one collector: set {ENDPOINT} in its place");
    for (variable, endpoint) in sent.iter().filter_map(own) {
        let shown = super::toml_text::render(&endpoint.into());
        standard.problem(variable, Some(shown), Fault::Conflict(text.clone()));
    }
}

fn headers(variables: Variables<'_>, standard: &mut Standard) {
    if let Some(headers) = variables.get(HEADERS) {
        standard.set("telemetry.otlp_headers", headers, HEADERS);
        standard.set("telemetry.otlp_headers_file", "", HEADERS);
    }
    for variable in SIGNAL_HEADERS.into_iter().filter(|variable| variables.get(variable).is_some()) {
        let text = format!("traces and metrics are sent with the same headers: set {HEADERS} in its place");
        standard.problem(variable, Some(redaction::redacted()), Fault::Conflict(text));
    }
}

/// Variables that may say nothing but what is so anyway.
fn only(names: &[&str], allowed: &str, variables: Variables<'_>, standard: &mut Standard) {
    for name in names {
        if let Some(value) = variables.get(name).filter(|value| *value != allowed) {
            standard.refuse(name, value, &format!("{allowed:?}, the only one that is built in"));
        }
    }
}
