//! Which variables are obeyed, and what becomes of the others.

use super::{Standard, Variables};

/// What the names of OpenTelemetry's variables begin with.
const PREFIX: &str = "OTEL_";

/// The switch for everything: `true` is as if there were no collector.
pub(super) const SDK_DISABLED: &str = "OTEL_SDK_DISABLED";
/// The collector.
pub(super) const ENDPOINT: &str = "OTEL_EXPORTER_OTLP_ENDPOINT";
/// The collector of traces.
pub(super) const TRACES_ENDPOINT: &str = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT";
/// The collector of metrics.
pub(super) const METRICS_ENDPOINT: &str = "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT";
/// Where traces go: `otlp` or `none`.
pub(super) const TRACES_EXPORTER: &str = "OTEL_TRACES_EXPORTER";
/// Where metrics go: `otlp` or `none`.
pub(super) const METRICS_EXPORTER: &str = "OTEL_METRICS_EXPORTER";
/// Where log lines go: to standard output.
const LOGS_EXPORTER: &str = "OTEL_LOGS_EXPORTER";
/// Headers of deliveries.
pub(super) const HEADERS: &str = "OTEL_EXPORTER_OTLP_HEADERS";
/// Headers of one signal's deliveries. Secret, as the common ones are.
pub(super) const SIGNAL_HEADERS: [&str; 2] =
    ["OTEL_EXPORTER_OTLP_TRACES_HEADERS", "OTEL_EXPORTER_OTLP_METRICS_HEADERS"];
/// The protocol of deliveries.
pub(super) const PROTOCOLS: [&str; 3] =
    ["OTEL_EXPORTER_OTLP_PROTOCOL", "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_METRICS_PROTOCOL"];
/// The compression of deliveries.
pub(super) const COMPRESSIONS: [&str; 3] = [
    "OTEL_EXPORTER_OTLP_COMPRESSION",
    "OTEL_EXPORTER_OTLP_TRACES_COMPRESSION",
    "OTEL_EXPORTER_OTLP_METRICS_COMPRESSION",
];
/// Which traces are kept.
pub(super) const SAMPLER: &str = "OTEL_TRACES_SAMPLER";
/// The argument of [`SAMPLER`].
pub(super) const SAMPLER_ARG: &str = "OTEL_TRACES_SAMPLER_ARG";
/// The name of the program.
pub(super) const SERVICE_NAME: &str = "OTEL_SERVICE_NAME";
/// What else is said about the process.
pub(super) const RESOURCE_ATTRIBUTES: &str = "OTEL_RESOURCE_ATTRIBUTES";
/// How trace context travels: W3C headers.
const PROPAGATORS: &str = "OTEL_PROPAGATORS";

/// Those above that need no word more once they were read.
const READ: [&str; 12] = [
    SDK_DISABLED,
    ENDPOINT,
    TRACES_ENDPOINT,
    METRICS_ENDPOINT,
    TRACES_EXPORTER,
    METRICS_EXPORTER,
    HEADERS,
    SAMPLER,
    SAMPLER_ARG,
    SERVICE_NAME,
    RESOURCE_ATTRIBUTES,
    // The scheme of the endpoint says it, as the specification wants where there is one; here there always is.
    "OTEL_EXPORTER_OTLP_INSECURE",
];

/// Those that the OpenTelemetry library reads by itself.
const READ_BY_THE_LIBRARY: [&str; 9] = [
    "OTEL_BSP_EXPORT_TIMEOUT",
    "OTEL_BSP_MAX_EXPORT_BATCH_SIZE",
    "OTEL_BSP_MAX_QUEUE_SIZE",
    "OTEL_BSP_SCHEDULE_DELAY",
    "OTEL_EXPORTER_OTLP_METRICS_TEMPORALITY_PREFERENCE",
    "OTEL_METRIC_EXPORT_INTERVAL",
    "OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT",
    "OTEL_SPAN_EVENT_COUNT_LIMIT",
    "OTEL_SPAN_LINK_COUNT_LIMIT",
];

/// Says which variables are set in vain.
pub(super) fn not_obeyed(variables: Variables<'_>, standard: &mut Standard) {
    let read = [&READ[..], &SIGNAL_HEADERS, &PROTOCOLS, &COMPRESSIONS, &READ_BY_THE_LIBRARY].concat();
    let others = variables.all().filter(|(name, _)| name.starts_with(PREFIX) && !read.contains(name));
    for (name, value) in others {
        match name {
            LOGS_EXPORTER if ["console", "none"].contains(&value) => {}
            LOGS_EXPORTER => {
                standard.notice(name, "log lines go to standard output only; let a collector read them there");
            }
            PROPAGATORS if is_w3c(value) => {}
            PROPAGATORS => {
                standard.notice(name, "trace context travels in the W3C headers traceparent and tracestate only");
            }
            _ => standard.notice(name, "this variable is not obeyed; docs/configuration.md lists those that are"),
        }
    }
}

/// Whether this asks for W3C trace context, and for nothing that would be missed: baggage is carried for nobody here.
fn is_w3c(propagators: &str) -> bool {
    let mut names = propagators.split(',').map(str::trim);
    names.clone().any(|name| name == "tracecontext") && names.all(|name| ["tracecontext", "baggage"].contains(&name))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The page for operators has a line for each variable that is obeyed.
    #[test]
    fn the_variables_are_documented() {
        let page = include_str!("../../../../../docs/configuration.md");
        let all = [&READ[..], &SIGNAL_HEADERS, &PROTOCOLS, &COMPRESSIONS, &READ_BY_THE_LIBRARY].concat();
        for variable in all.into_iter().chain([LOGS_EXPORTER, PROPAGATORS]) {
            assert!(page.contains(&format!("`{variable}`")), "{variable}");
        }
        let is_part = |c: char| c.is_ascii_uppercase() || c == '_';
        let named = page.split('`').filter(|word| word.starts_with(PREFIX) && word.chars().all(is_part));
        let source = include_str!("variables.rs");
        for variable in named {
            assert!(source.contains(&format!("\"{variable}\"")), "{variable} is documented and not known");
        }
    }
}
