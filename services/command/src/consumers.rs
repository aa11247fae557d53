//! How far the consumers of the feed have come.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// How many consumers are remembered. More names than this are somebody's mistake; their acknowledgements are not kept.
const CONSUMERS_MAX: usize = 64;

/// Acknowledged positions by consumer.
///
/// They are kept in memory and written along with the next batch: an acknowledgement causes no write of its own, and one
/// that is lost in a crash is repeated by its consumer, which keeps its own position durably.
#[derive(Debug)]
pub(crate) struct Consumers {
    required: Vec<String>,
    positions: Mutex<BTreeMap<String, Position>>,
}

#[derive(Debug, Default)]
struct Position {
    acknowledged: u64,
    written: u64,
}

impl Consumers {
    /// What the store remembers; `required` are those that commands wait for.
    pub(crate) fn new(required: &[String], remembered: Vec<(String, u64)>) -> Self {
        let position = |position| Position { acknowledged: position, written: position };
        let positions = remembered.into_iter().map(|(name, at)| (name, position(at))).collect();
        Self { required: required.to_vec(), positions: Mutex::new(positions) }
    }

    /// A consumer has made everything up to this position durable. Going back is not possible; `false`: not kept.
    pub(crate) fn acknowledge(&self, consumer: &str, position: u64) -> bool {
        let mut positions = self.lock();
        if !positions.contains_key(consumer) && positions.len() >= CONSUMERS_MAX {
            return false;
        }
        let known = positions.entry(consumer.to_owned()).or_default();
        known.acknowledged = known.acknowledged.max(position);
        true
    }

    /// The required consumer that is furthest behind, and where it is; `None` if none is required.
    pub(crate) fn slowest_required(&self) -> Option<(String, u64)> {
        let positions = self.lock();
        let at = |name: &String| positions.get(name).map_or(0, |position| position.acknowledged);
        self.required.iter().map(|name| (name.clone(), at(name))).min_by_key(|(_, position)| *position)
    }

    /// Every known consumer and its position.
    pub(crate) fn all(&self) -> Vec<(String, u64)> {
        self.lock().iter().map(|(name, position)| (name.clone(), position.acknowledged)).collect()
    }

    /// What has been acknowledged and is not yet on disk.
    pub(crate) fn unwritten(&self) -> Vec<(String, u64)> {
        let positions = self.lock();
        let behind = positions.iter().filter(|(_, position)| position.written < position.acknowledged);
        behind.map(|(name, position)| (name.clone(), position.acknowledged)).collect()
    }

    /// These are on disk now.
    pub(crate) fn written(&self, batch: &[(String, u64)]) {
        let mut positions = self.lock();
        for (name, at) in batch {
            if let Some(position) = positions.get_mut(name) {
                position.written = position.written.max(*at);
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Position>> {
        // Each change is one assignment: a panic elsewhere leaves nothing half done.
        self.positions.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_slowest_required_consumer_counts_and_others_do_not() {
        let consumers = Consumers::new(&["case-audit".to_owned()], vec![("case-query".to_owned(), 3)]);
        assert_eq!(consumers.slowest_required(), Some(("case-audit".to_owned(), 0)));
        assert!(consumers.acknowledge("case-audit", 9));
        assert!(consumers.acknowledge("case-audit", 7));
        assert_eq!(consumers.slowest_required(), Some(("case-audit".to_owned(), 9)));
    }

    #[test]
    fn an_acknowledgement_is_written_once() {
        let consumers = Consumers::new(&[], Vec::new());
        consumers.acknowledge("a", 1);
        let batch = consumers.unwritten();
        consumers.acknowledge("a", 2);
        consumers.written(&batch);
        assert_eq!(consumers.unwritten(), [("a".to_owned(), 2)]);
    }

    #[test]
    fn made_up_consumers_do_not_fill_the_memory() {
        let consumers = Consumers::new(&[], Vec::new());
        let kept = (0..1_000).filter(|n| consumers.acknowledge(&format!("c{n}"), 1)).count();
        assert_eq!(kept, CONSUMERS_MAX);
        assert!(consumers.acknowledge("c0", 2), "a known one goes on");
    }
}
