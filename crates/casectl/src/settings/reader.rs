//! Makes typed settings of what was given.

use std::sync::Arc;
use std::time::Duration;

use clap::ValueEnum;
use rustls::ClientConfig;
use tonic::metadata::{Ascii, MetadataValue};

use super::TIMEOUT_DEFAULT;
use super::address::{Address, Scheme, Service};
use super::key::Key;
use super::layers::{Given, Layer, Problems};
use super::trust::{self, Files};

/// Reads one setting after the other, and keeps what is wrong with them.
pub(super) struct Reader {
    /// Strongest first.
    pub(super) layers: [Layer; 3],
    pub(super) problems: Problems,
}

impl Reader {
    /// What the strongest source says.
    pub(super) fn given(&self, key: Key) -> Option<&Given> {
        self.layers.iter().find_map(|layer| layer.get(&key))
    }

    /// In each layer the service's own address counts before the host of all; a stronger layer counts before both.
    pub(super) fn address(&mut self, service: Service) -> Address {
        let said = self.layers.iter().find_map(|layer| {
            let own = layer.get(&service.key()).map(|given| (given.clone(), false));
            own.or_else(|| layer.get(&Key::Server).map(|given| (given.clone(), true)))
        });
        let Some((given, is_host)) = said else { return Address::default_of(service) };
        let address = if is_host { Address::on_host(service, &given) } else { Address::new(service, &given) };
        address.unwrap_or_else(|problem| {
            self.problems.add(&given.origin, problem);
            Address::default_of(service)
        })
    }

    pub(super) fn actor(&mut self) -> Option<MetadataValue<Ascii>> {
        let given = self.given(Key::Actor)?.clone();
        let visible = given.text.bytes().all(|byte| byte.is_ascii_graphic());
        let value = MetadataValue::try_from(given.text.as_str()).ok().filter(|_| visible);
        if value.is_none() {
            self.problems.add(
                &given.origin,
                format!("{}: {:?}: an actor is visible ASCII characters", given.origin, given.text),
            );
        }
        value
    }

    /// The token of the strongest layer that has one; in one layer the token counts before its file.
    pub(super) fn authorization(&mut self) -> Option<MetadataValue<Ascii>> {
        let said = self.layers.iter().find_map(|layer| {
            let token = layer.get(&Key::Token).map(|given| (given.clone(), false));
            token.or_else(|| layer.get(&Key::TokenFile).map(|given| (given.clone(), true)))
        });
        let (given, is_file) = said?;
        let token = if is_file { std::fs::read_to_string(&given.text) } else { Ok(given.text.clone()) };
        let value = match token {
            Ok(token) if token.trim().is_empty() => {
                let origin = &given.origin;
                self.problems.add(origin, format!("{origin}: there is no token in {}", given.text));
                return None;
            }
            Ok(token) => MetadataValue::try_from(format!("Bearer {}", token.trim())).ok(),
            Err(error) => {
                self.problems
                    .add(&given.origin, format!("{}: cannot read the token in {}: {error}", given.origin, given.text));
                return None;
            }
        };
        let Some(mut value) = value else {
            // The token itself is never repeated.
            self.problems.add(&given.origin, format!("{}: the token holds characters that no token has", given.origin));
            return None;
        };
        value.set_sensitive(true);
        Some(value)
    }

    /// How to speak TLS, if an address asks for it. The files are looked at in any case: a wrong one is wrong now.
    pub(super) fn tls(&mut self, addresses: &[&Address]) -> Option<Arc<ClientConfig>> {
        let [ca, certificate, key] = [Key::Ca, Key::Certificate, Key::PrivateHalf].map(|key| self.given(key).cloned());
        let files = Files { ca: ca.as_ref(), certificate: certificate.as_ref(), key: key.as_ref() };
        let is_wanted = addresses.iter().any(|address| address.scheme == Scheme::Https);
        if !is_wanted && files.are_none() {
            return None;
        }
        match trust::client_config(&files) {
            Ok(config) => is_wanted.then(|| Arc::new(config)),
            Err(trust::Fault { origin, line }) => {
                self.problems.add(&origin, line);
                None
            }
        }
    }

    pub(super) fn one_of<T: ValueEnum>(&mut self, key: Key) -> Option<T> {
        let given = self.given(key)?.clone();
        let value = T::from_str(&given.text, true).ok();
        if value.is_none() {
            let names: Vec<_> = T::value_variants().iter().filter_map(ValueEnum::to_possible_value).collect();
            let names: Vec<_> = names.iter().map(clap::builder::PossibleValue::get_name).collect();
            let (origin, name, allowed) = (&given.origin, key.name(), names.join(", "));
            self.problems.add(origin, format!("{origin}: {name} cannot be {:?}; it is one of {allowed}", given.text));
        }
        value
    }

    pub(super) fn timeout(&mut self) -> Duration {
        let Some(given) = self.given(Key::Timeout).cloned() else { return TIMEOUT_DEFAULT };
        match humantime::parse_duration(&given.text) {
            Ok(timeout) if !timeout.is_zero() => timeout,
            Ok(_) | Err(_) => {
                let text = &given.text;
                self.problems.add(
                    &given.origin,
                    format!("{}: timeout {text:?} is no time span such as 500ms or 10s", given.origin),
                );
                TIMEOUT_DEFAULT
            }
        }
    }
}
