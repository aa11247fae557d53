//! Which traces are kept.

use config::ValueKind;

use super::variables::{SAMPLER, SAMPLER_ARG};
use super::{Standard, Variables};

const RATIO_KEY: &str = "telemetry.sample_ratio";
/// What a sampler with a ratio does if none is given: keep all.
const RATIO_DEFAULT: f64 = 1.0;
const ALLOWED: &str =
    "\"always_on\", \"always_off\", \"traceidratio\", or one of these with \"parentbased_\" before it";

pub(super) fn read(variables: Variables<'_>, standard: &mut Standard) {
    let argument = variables.get(SAMPLER_ARG);
    let Some(sampler) = variables.get(SAMPLER) else {
        if argument.is_some() {
            standard.notice(SAMPLER_ARG, "without OTEL_TRACES_SAMPLER this variable means nothing");
        }
        return;
    };
    match sampler {
        "always_on" | "parentbased_always_on" => standard.set(RATIO_KEY, 1.0, SAMPLER),
        "parentbased_always_off" => standard.set(RATIO_KEY, 0.0, SAMPLER),
        "always_off" => {
            standard.set(RATIO_KEY, 0.0, SAMPLER);
            standard.set("telemetry.caller_traces_per_second", 0, SAMPLER);
        }
        "traceidratio" | "parentbased_traceidratio" => ratio(argument, standard),
        _ => standard.refuse(SAMPLER, sampler, ALLOWED),
    }
    if ["always_on", "traceidratio"].contains(&sampler) {
        let text = "what callers have decided not to keep is not kept here either, as with the form \"parentbased_\"";
        standard.notice(SAMPLER, text);
    }
}

/// A text that is no number is refused as what it is, where all ratios are judged.
fn ratio(argument: Option<&str>, standard: &mut Standard) {
    let as_written = |text: &str| text.trim().parse().map_or_else(|_| ValueKind::from(text), ValueKind::Float);
    match argument {
        Some(text) => standard.set(RATIO_KEY, as_written(text), SAMPLER_ARG),
        None => standard.set(RATIO_KEY, RATIO_DEFAULT, SAMPLER),
    }
}
