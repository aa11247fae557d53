//! What a server offers, read from its descriptors.

use std::collections::HashMap;
use std::sync::Arc;

use prost::{DecodeError, Message};
use prost_types::{FileDescriptorSet, MethodDescriptorProto};

use crate::access::{DIAGNOSTICS, Permission, Rule};
use crate::telemetry::names::METHOD_OTHER;

/// One method.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Method {
    /// `package.Service/Method`; [`METHOD_OTHER`] for one that the server does not have.
    pub(crate) name: Arc<str>,
    pub(crate) shape: Shape,
    pub(crate) purpose: Purpose,
    /// What its caller needs; none for health, reflection and methods that the server does not have.
    pub(crate) permission: Option<&'static Permission>,
    /// Whether the whole request is one message, also where the answer is a stream.
    pub(crate) asks_once: bool,
}

/// How long a call lasts by nature.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    /// One question, one answer: it has a deadline, always.
    Unary,
    /// Anything with a stream in it: it may last for days.
    Streaming,
}

/// What a method is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// The service itself.
    Service,
    /// Tells whether the service works: answers under overload and while draining too, and asks for no actor.
    Health,
    /// Tells what the service offers: asks for no actor.
    Reflection,
}

/// All methods of a server, by path.
#[derive(Debug)]
pub(crate) struct Methods {
    by_path: HashMap<String, Arc<Method>>,
    other: Arc<Method>,
}

/// What a server is made of, as far as its methods go.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Offer<'a> {
    /// An encoded `FileDescriptorSet` with the services of the routes, and perhaps with others.
    pub(crate) routes: &'a [u8],
    /// The services of the routes, by full name. Those of [`Offer::routes`] that are not among them count as unknown: several
    /// servers share one set.
    pub(crate) served: &'a [&'static str],
    /// Encoded `FileDescriptorSet`s of what every server has, under rules of its own.
    pub(crate) standard: &'a [&'a [u8]],
    /// A rule for each method of the routes that asks who calls.
    pub(crate) rules: &'static [Rule],
}

/// The rules of what every server has.
const STANDARD_RULES: &[Rule] = &[DIAGNOSTICS];

/// Why a server must not start: bugs, all of them.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Unservable {
    #[error("the descriptors of the services cannot be read: {0}")]
    Descriptors(#[from] DecodeError),
    #[error("nobody has said who may call {0}: add a rule for each to the table of rules")]
    NoRule(String),
}

impl Methods {
    /// Reads what a server offers. Each method that asks who calls must have a rule.
    pub(crate) fn of(offer: Offer<'_>) -> Result<Self, Unservable> {
        let mut by_path = HashMap::new();
        add_set(&mut by_path, offer.routes, offer.rules, |service| offer.served.contains(&service))?;
        for set in offer.standard {
            add_set(&mut by_path, set, STANDARD_RULES, |_| true)?;
        }
        let unruled = |method: &&Method| method.purpose == Purpose::Service && method.permission.is_none();
        let unruled: Vec<&str> = by_path.values().filter(unruled).map(|method| &*method.name).collect();
        if !unruled.is_empty() {
            return Err(Unservable::NoRule(unruled.join(", ")));
        }
        let by_path = by_path.into_iter().map(|(path, method)| (path, Arc::new(method))).collect();
        let (name, shape, purpose) = (Arc::from(METHOD_OTHER), Shape::Unary, Purpose::Service);
        let other = Arc::new(Method { name, shape, purpose, permission: None, asks_once: true });
        Ok(Self { by_path, other })
    }

    /// The method at a path.
    pub(crate) fn at(&self, path: &str) -> Arc<Method> {
        Arc::clone(self.by_path.get(path).unwrap_or(&self.other))
    }
}

fn add_set(
    by_path: &mut HashMap<String, Method>,
    set: &[u8],
    rules: &'static [Rule],
    is_served: impl Fn(&str) -> bool,
) -> Result<(), DecodeError> {
    for file in FileDescriptorSet::decode(set)?.file {
        let package = file.package();
        for service in &file.service {
            let full =
                if package.is_empty() { service.name().to_owned() } else { format!("{package}.{}", service.name()) };
            if !is_served(&full) {
                continue;
            }
            for method in &service.method {
                let method = Method::of(package, format!("{full}/{}", method.name()), method, rules);
                by_path.insert(format!("/{}", method.name), method);
            }
        }
    }
    Ok(())
}

impl Method {
    fn of(package: &str, name: String, method: &MethodDescriptorProto, rules: &[Rule]) -> Self {
        let streaming = method.client_streaming() || method.server_streaming();
        Self {
            shape: if streaming { Shape::Streaming } else { Shape::Unary },
            purpose: purpose(package),
            permission: rules.iter().find(|rule| rule.method == name).map(|rule| rule.permission),
            asks_once: !method.client_streaming(),
            name: Arc::from(name),
        }
    }
}

fn purpose(package: &str) -> Purpose {
    if package.starts_with("grpc.health.") {
        Purpose::Health
    } else if package.starts_with("grpc.reflection.") {
        Purpose::Reflection
    } else {
        Purpose::Service
    }
}
