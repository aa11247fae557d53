//! What telemetry says about the process. Attributes that are no key of ours are read by the OpenTelemetry library.

use percent_encoding::percent_decode_str;

use super::variables::{RESOURCE_ATTRIBUTES, SERVICE_NAME};
use super::{Standard, Variables};

/// Attributes that are keys of ours. Of several for one key the later wins: the older name of the environment comes first.
const ATTRIBUTES: [(&str, &str); 3] = [
    ("deployment.environment", "environment"),
    ("deployment.environment.name", "environment"),
    ("service.name", "telemetry.service_name"),
];

pub(super) fn read(variables: Variables<'_>, standard: &mut Standard) {
    if let Some(text) = variables.get(RESOURCE_ATTRIBUTES) {
        match attributes(text) {
            Some(attributes) => {
                for (name, key) in ATTRIBUTES {
                    if let Some((_, value)) = attributes.iter().rfind(|(given, _)| given == name) {
                        standard.set(key, value.as_str(), RESOURCE_ATTRIBUTES);
                    }
                }
            }
            None => standard.refuse(RESOURCE_ATTRIBUTES, text, "\"name=value,name=value\", values percent-encoded"),
        }
    }
    if let Some(name) = variables.get(SERVICE_NAME) {
        standard.set("telemetry.service_name", name, SERVICE_NAME);
    }
}

fn attributes(text: &str) -> Option<Vec<(String, String)>> {
    let attribute = |pair: &str| {
        let (name, value) = pair.split_once('=')?;
        let value = percent_decode_str(value.trim()).decode_utf8().ok()?;
        (!name.trim().is_empty()).then(|| (name.trim().to_owned(), value.into_owned()))
    };
    text.split(',').map(str::trim).filter(|pair| !pair.is_empty()).map(attribute).collect()
}
