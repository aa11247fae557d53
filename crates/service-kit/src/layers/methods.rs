//! What a server offers, read from its descriptors.

use std::collections::HashMap;
use std::sync::Arc;

use prost::{DecodeError, Message};
use prost_types::{FileDescriptorProto, FileDescriptorSet};

use crate::telemetry::names::METHOD_OTHER;

/// One method.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Method {
    /// `package.Service/Method`; [`METHOD_OTHER`] for one that the server does not have.
    pub(crate) name: Arc<str>,
    pub(crate) shape: Shape,
    pub(crate) purpose: Purpose,
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

impl Methods {
    /// Reads encoded `FileDescriptorSet`s.
    pub(crate) fn of(descriptor_sets: &[&[u8]]) -> Result<Self, DecodeError> {
        let mut by_path = HashMap::new();
        for set in descriptor_sets {
            for file in FileDescriptorSet::decode(*set)?.file {
                add_file(&mut by_path, &file);
            }
        }
        let (name, shape, purpose) = (Arc::from(METHOD_OTHER), Shape::Unary, Purpose::Service);
        let other = Method { name, shape, purpose, asks_once: true };
        Ok(Self { by_path, other: Arc::new(other) })
    }

    /// The method at a path.
    pub(crate) fn at(&self, path: &str) -> Arc<Method> {
        Arc::clone(self.by_path.get(path).unwrap_or(&self.other))
    }
}

fn add_file(by_path: &mut HashMap<String, Arc<Method>>, file: &FileDescriptorProto) {
    let package = file.package();
    for service in &file.service {
        let full = if package.is_empty() { service.name().to_owned() } else { format!("{package}.{}", service.name()) };
        for method in &service.method {
            let name = format!("{full}/{}", method.name());
            let streaming = method.client_streaming() || method.server_streaming();
            let shape = if streaming { Shape::Streaming } else { Shape::Unary };
            let asks_once = !method.client_streaming();
            let method = Method { name: Arc::from(name.as_str()), shape, purpose: purpose(package), asks_once };
            by_path.insert(format!("/{name}"), Arc::new(method));
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
