//! How far the consumers of the feed have come.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use service_kit::diagnostics::FeedReport;
use service_kit::lag::Arrivals;

/// How many consumers beside the required ones are known at a time. More names than this are somebody's mistake, or
/// malice; their acknowledgements are not kept.
const OTHERS_MAX: usize = 64;

/// Acknowledged positions by consumer.
///
/// They are kept in memory, and those of required consumers are written along with the next batch: an acknowledgement
/// causes no write of its own, and one that is lost in a crash is repeated by its consumer, which keeps its own position
/// durably. What others have acknowledged is for the eyes of operators only, and not worth a write; they are known from where
/// their first stream begins until their last one ends. Nobody knows of one that has gone whether it will be back.
#[derive(Debug)]
pub(crate) struct Consumers {
    positions: Mutex<BTreeMap<String, Position>>,
    /// When events were committed.
    committed: Mutex<Arrivals>,
}

#[derive(Debug)]
struct Position {
    required: bool,
    acknowledged: u64,
    written: u64,
    /// Streams that are open.
    streams: u32,
}

/// An open stream of a consumer.
#[derive(Debug)]
pub(crate) struct Connected {
    consumers: Arc<Consumers>,
    consumer: String,
    /// Whether the consumer is known because of this stream too.
    counted: bool,
}

impl Connected {
    /// The consumer has made everything up to this position durable. Going back is not possible; `false`: not kept, since there
    /// are too many consumers to know this one.
    pub(crate) fn acknowledge(&self, position: u64) -> bool {
        let mut positions = self.consumers.lock();
        let known = positions.get_mut(&self.consumer).filter(|_| self.counted);
        known.map(|known| known.acknowledged = known.acknowledged.max(position)).is_some()
    }
}

impl Drop for Connected {
    fn drop(&mut self) {
        let mut positions = self.consumers.lock();
        let Some(position) = positions.get_mut(&self.consumer).filter(|_| self.counted) else {
            return;
        };
        position.streams = position.streams.saturating_sub(1);
        if position.streams == 0 && !position.required {
            positions.remove(&self.consumer);
        }
    }
}

impl Consumers {
    /// What the store remembers of the required ones, for which commands wait.
    pub(crate) fn new(required: &[String], remembered: &[(String, u64)]) -> Self {
        let remembered = |name: &String| remembered.iter().find(|(known, _)| known == name).map_or(0, |(_, at)| *at);
        let position = |at| Position { required: true, acknowledged: at, written: at, streams: 0 };
        let positions = required.iter().map(|name| (name.clone(), position(remembered(name)))).collect();
        Self { positions: Mutex::new(positions), committed: Mutex::default() }
    }

    /// Whether commands wait for this consumer.
    pub(crate) fn is_required(&self, consumer: &str) -> bool {
        self.lock().get(consumer).is_some_and(|position| position.required)
    }

    /// A consumer follows the feed after a position, until the answer is dropped. For a required one the position is no more
    /// than a wish: what it has made durable, it acknowledges.
    pub(crate) fn connect(self: &Arc<Self>, consumer: &str, after_position: u64) -> Connected {
        let mut positions = self.lock();
        let others = positions.values().filter(|position| !position.required).count();
        let counted = match positions.get_mut(consumer) {
            Some(known) => {
                known.streams += 1;
                true
            }
            None if others >= OTHERS_MAX => false,
            None => {
                let at = after_position;
                let position = Position { required: false, acknowledged: at, written: at, streams: 1 };
                positions.insert(consumer.to_owned(), position);
                true
            }
        };
        Connected { consumers: Arc::clone(self), consumer: consumer.to_owned(), counted }
    }

    /// Events up to `head` are durable.
    pub(crate) fn committed(&self, head: u64) {
        let slowest = self.lock().values().map(|position| position.acknowledged).min().unwrap_or(head);
        let mut committed = self.committed.lock().unwrap_or_else(PoisonError::into_inner);
        committed.forget(slowest);
        committed.arrived(head, Instant::now());
    }

    /// Every known consumer, for operators. What was committed before the start counts from then on.
    pub(crate) fn reports(&self, head: u64) -> Vec<FeedReport> {
        let now = Instant::now();
        let committed = self.committed.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let report = |(consumer, at): (&String, &Position)| FeedReport {
            consumer: consumer.clone(),
            position: at.acknowledged,
            head,
            lag_ms: u64::try_from(committed.waited(at.acknowledged, now).as_millis()).unwrap_or(u64::MAX),
            connected: at.streams > 0,
        };
        self.lock().iter().map(report).collect()
    }

    /// The required consumer that is furthest behind, and where it is; `None` if none is required.
    #[cfg(test)]
    fn slowest_required(&self) -> Option<(String, u64)> {
        slowest_required(&self.lock()).map(|(name, at)| (name.to_owned(), at))
    }

    /// The required consumer that is furthest behind, if it is by so many events at this head, and by how many.
    pub(crate) fn backlog(&self, head: u64, waiting_max: u64) -> Option<(String, u64)> {
        let positions = self.lock();
        let (name, acknowledged) = slowest_required(&positions)?;
        let waiting = head.saturating_sub(acknowledged);
        // Asked for each command: the name is only copied for those that are refused.
        (waiting >= waiting_max).then(|| (name.to_owned(), waiting))
    }

    /// Every known consumer and its position.
    pub(crate) fn all(&self) -> Vec<(String, u64)> {
        self.lock().iter().map(|(name, position)| (name.clone(), position.acknowledged)).collect()
    }

    /// What has been acknowledged and is to be on disk, but is not yet.
    pub(crate) fn unwritten(&self) -> Vec<(String, u64)> {
        let positions = self.lock();
        let behind =
            positions.iter().filter(|(_, position)| position.required && position.written < position.acknowledged);
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

fn slowest_required(positions: &BTreeMap<String, Position>) -> Option<(&str, u64)> {
    let required = positions.iter().filter(|(_, position)| position.required);
    let slowest = required.min_by_key(|(_, position)| position.acknowledged);
    slowest.map(|(name, position)| (name.as_str(), position.acknowledged))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn requiring_audit(remembered: &[(String, u64)]) -> Consumers {
        Consumers::new(&["case-audit".to_owned()], remembered)
    }

    #[test]
    fn the_slowest_required_consumer_counts_and_others_do_not() {
        let consumers = Arc::new(requiring_audit(&[("case-audit".to_owned(), 3), ("gone".to_owned(), 1)]));
        let (audit, query) = (consumers.connect("case-audit", 8), consumers.connect("case-query", 0));
        assert!(query.acknowledge(1));
        assert_eq!(consumers.slowest_required(), Some(("case-audit".to_owned(), 3)), "where it begins says nothing");
        assert!(audit.acknowledge(9));
        assert!(audit.acknowledge(7));
        assert_eq!(consumers.slowest_required(), Some(("case-audit".to_owned(), 9)));
    }

    #[test]
    fn an_acknowledgement_is_written_once_and_only_of_a_required_consumer() {
        let consumers = Arc::new(requiring_audit(&[]));
        let (audit, query) = (consumers.connect("case-audit", 0), consumers.connect("case-query", 0));
        audit.acknowledge(1);
        query.acknowledge(5);
        let batch = consumers.unwritten();
        assert_eq!(batch, [("case-audit".to_owned(), 1)]);
        audit.acknowledge(2);
        consumers.written(&batch);
        assert_eq!(consumers.unwritten(), [("case-audit".to_owned(), 2)]);
    }

    #[test]
    fn operators_read_who_is_connected_and_how_far_behind() {
        let consumers = Arc::new(requiring_audit(&[("case-audit".to_owned(), 3)]));
        consumers.committed(5);
        let (audit, query) = (consumers.connect("case-audit", 3), consumers.connect("case-query", 0));
        query.acknowledge(5);
        let [of_audit, of_query] = <[FeedReport; 2]>::try_from(consumers.reports(5)).expect("two consumers");
        assert_eq!((of_audit.consumer.as_str(), of_audit.position, of_audit.head), ("case-audit", 3, 5));
        assert!(of_audit.connected && of_query.connected);
        assert_eq!((of_query.position, of_query.lag_ms), (5, 0), "nothing is missing");
        let again = consumers.connect("case-audit", 3);
        drop(audit);
        assert!(consumers.reports(5)[0].connected, "one of its streams is open");
        drop(again);
        assert!(!consumers.reports(5)[0].connected, "commands wait for it, connected or not");
    }

    #[test]
    fn who_only_looked_in_is_behind_by_what_it_asked_for_and_forgotten_once_it_has_gone() {
        let consumers = Arc::new(requiring_audit(&[]));
        consumers.committed(5);
        let (first, second) = (consumers.connect("a-look", 4), consumers.connect("a-look", 5));
        assert_eq!(consumers.all(), [("a-look".to_owned(), 4), ("case-audit".to_owned(), 0)]);
        drop(first);
        assert_eq!(consumers.all().len(), 2, "one of its streams is open");
        drop(second);
        assert_eq!(consumers.all(), [("case-audit".to_owned(), 0)]);
    }

    #[test]
    fn made_up_consumers_neither_fill_the_memory_nor_shut_out_a_required_one() {
        let consumers = Arc::new(requiring_audit(&[]));
        let mut streams: Vec<_> = (0..1_000).map(|n| consumers.connect(&format!("c{n}"), 0)).collect();
        assert_eq!(streams.iter().filter(|stream| stream.acknowledge(1)).count(), OTHERS_MAX);
        let (known, required) = (consumers.connect("c0", 0), consumers.connect("case-audit", 0));
        assert!(known.acknowledge(2), "a known one goes on");
        assert!(required.acknowledge(1));
        assert_eq!(consumers.slowest_required(), Some(("case-audit".to_owned(), 1)));
        streams.clear();
        assert!(consumers.connect("c999", 0).acknowledge(1), "with room");
    }
}
