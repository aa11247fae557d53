//! What is the same in every line of a callsite, made once.

use std::cell::RefCell;
use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::rc::Rc;

use tracing::Metadata;

use super::json;
use crate::telemetry::redaction;

/// Keys that every line sets by itself. A field of such a name is written with a `field_` before it.
const OURS: [&str; 6] = ["timestamp", "level", "event", "target", "trace_id", "span_id"];

/// The constant parts of the JSON lines of a callsite, and what it says by itself.
pub(super) struct Callsite {
    /// From the end of the timestamp up to the first field: level and event.
    pub(super) head: Box<[u8]>,
    /// In the order of the callsite.
    pub(super) fields: Box<[Field]>,
    /// The target.
    pub(super) tail: Box<[u8]>,
    /// An event that names them itself knows better: it may speak of another request than the one it happens in.
    pub(super) says_service: bool,
    pub(super) says_request_id: bool,
}

/// A field of a callsite.
pub(super) struct Field {
    /// `,"name":`
    pub(super) key: Box<[u8]>,
    pub(super) is_message: bool,
    /// Its value may not be written.
    pub(super) is_hidden: bool,
}

impl Callsite {
    /// That of an event, looked up.
    pub(super) fn of(metadata: &'static Metadata<'static>) -> Rc<Self> {
        thread_local! {
            /// As many as there are places in the code that log.
            static KNOWN: RefCell<HashMap<usize, Rc<Callsite>, BuildHasherDefault<Address>>> = RefCell::default();
        }
        // Metadata lives for ever, so its address is nobody else's.
        let address = std::ptr::from_ref(metadata).addr();
        KNOWN.with_borrow_mut(|known| Rc::clone(known.entry(address).or_insert_with(|| Rc::new(Self::new(metadata)))))
    }

    fn new(metadata: &Metadata<'_>) -> Self {
        let says = |name| metadata.fields().field(name).is_some();
        let (mut head, mut tail) = (b"\"".to_vec(), Vec::new());
        json::pair(&mut head, "level", metadata.level().as_str());
        json::pair(&mut head, "event", event_name(metadata));
        json::pair(&mut tail, "target", metadata.target());
        Self {
            head: head.into(),
            fields: metadata.fields().iter().map(|field| Field::new(field.name())).collect(),
            tail: tail.into(),
            says_service: says("service"),
            says_request_id: says("request_id"),
        }
    }
}

impl Field {
    /// A field of this name.
    pub(super) fn new(name: &str) -> Self {
        // Field names are Rust identifiers with dots, or constants of ours: nothing to escape.
        let prefix = if OURS.contains(&name) { "field_" } else { "" };
        Self {
            key: format!(",\"{prefix}{name}\":").into_bytes().into(),
            is_message: name == "message",
            is_hidden: redaction::is_hidden(name),
        }
    }
}

/// The `name:` of an event; `log` for those without.
pub(super) fn event_name<'a>(metadata: &Metadata<'a>) -> &'a str {
    if metadata.name().starts_with("event ") { "log" } else { metadata.name() }
}

/// Addresses are as good as random already.
#[derive(Default)]
struct Address(u64);

impl Hasher for Address {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = (self.0 << 8) | u64::from(*byte);
        }
    }

    fn write_usize(&mut self, address: usize) {
        // The upper bits choose within a group of the table, the lower ones the group: both have to differ. The constant is
        // the golden ratio's, after Knuth.
        self.0 = (address as u64).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }
}
