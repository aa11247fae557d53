//! What every span and metric says about the process it comes from.

use opentelemetry::KeyValue;
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::resource::{EnvResourceDetector, ResourceDetector};

use crate::clock::{Clock, SystemClock, SystemEntropy, uuid_v7};
use crate::telemetry::names;

/// The resource of this process. `service_name` and `environment` come from the settings, where the standard variables have
/// been heard already; the other attributes of `OTEL_RESOURCE_ATTRIBUTES` win over what we know.
pub(crate) fn resource(service_name: &str, version: &str, environment: &str) -> Resource {
    merged(service_name, version, environment, &EnvResourceDetector::new().detect())
}

fn merged(service_name: &str, version: &str, environment: &str, from_environment: &Resource) -> Resource {
    let instance = uuid_v7(SystemClock.unix_us(), &SystemEntropy).to_string();
    let known = [
        KeyValue::new(names::SERVICE_VERSION, version.to_owned()),
        KeyValue::new(names::SERVICE_INSTANCE_ID, instance),
    ];
    let theirs = from_environment.iter().map(|(key, value)| KeyValue::new(key.clone(), value.clone()));
    let settled = [
        KeyValue::new(names::SERVICE_NAME, service_name.to_owned()),
        KeyValue::new(names::DEPLOYMENT_ENVIRONMENT_NAME, environment.to_owned()),
    ];
    // The last one to set an attribute wins.
    Resource::builder().with_attributes(known).with_attributes(theirs).with_attributes(settled).build()
}

#[cfg(test)]
mod tests {
    use opentelemetry::Key;

    use super::*;

    fn said(resource: &Resource, key: &'static str) -> String {
        resource.get(&Key::new(key)).map(|value| value.to_string()).unwrap_or_default()
    }

    #[test]
    fn the_standard_variable_adds_attributes_and_wins_over_what_we_know() {
        let given = [KeyValue::new(names::SERVICE_VERSION, "given"), KeyValue::new("host.name", "h1")];
        let environment = Resource::builder_empty().with_attributes(given).build();
        let resource = merged("case-test", "1.2.3", "test", &environment);
        let expected = [("service.version", "given"), ("host.name", "h1"), ("deployment.environment.name", "test")];
        for (key, value) in expected {
            assert_eq!(said(&resource, key), value, "{key}");
        }
    }

    #[test]
    fn each_start_is_another_instance_of_the_service_that_the_settings_name() {
        let start = || merged("case-test", "1.2.3", "test", &Resource::builder_empty().build());
        assert_eq!(said(&start(), names::SERVICE_NAME), "case-test");
        assert_eq!(said(&start(), names::SERVICE_VERSION), "1.2.3");
        assert_ne!(said(&start(), names::SERVICE_INSTANCE_ID), said(&start(), names::SERVICE_INSTANCE_ID));
    }
}
