//! Follows the event feed and records what it says.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use case_api::action_name;
use case_api::event_pb::{Evidence, LifecycleDefinition};
use event_feed::{Batch, ConsumeError, Consumer, Delivered, Halt, Opened, SpanNames};
use rusqlite::Connection;
use service_kit::health::Condition;
use service_kit::identity::Identity;
use service_kit::telemetry::remote_request;
use storage::{Error, Writer};
use tracing::level_filters::LevelFilter;
use tracing::{Span, debug, info, info_span};

use crate::entry::{Entry, Unreadable};
use crate::metrics::RecorderMetrics;
use crate::store::LogState;
use crate::{IDENTITY, failures, names, store};

/// The consumer that keeps the log: one record for each event, in the transaction that moves its position.
pub(crate) struct Recorder {
    writer: Mutex<Writer>,
    /// As in the store: [`Consumer::position`] must not wait for a transaction.
    position: AtomicU64,
    store: Condition,
    metrics: RecorderMetrics,
}

/// Why a transaction was given up.
enum Stopped {
    Store(Error),
    Halt(Halt),
}

impl From<Error> for Stopped {
    fn from(error: Error) -> Self {
        Self::Store(error)
    }
}

impl Recorder {
    /// A recorder that goes on where the log ends.
    pub(crate) fn new(writer: Writer, position: u64, store: Condition) -> Self {
        let (writer, position) = (Mutex::new(writer), AtomicU64::new(position));
        Self { writer, position, store, metrics: RecorderMetrics::new() }
    }

    /// A panic leaves no transaction open, so that a poisoned lock is sound.
    fn writer(&self) -> MutexGuard<'_, Writer> {
        self.writer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn stopped(&self, stopped: Stopped) -> ConsumeError {
        match stopped {
            Stopped::Halt(halt) => halt.into(),
            Stopped::Store(error) => {
                if matches!(error, Error::Corrupt { .. }) {
                    failures::report_corruption(&error, &self.store);
                }
                error.into()
            }
        }
    }

    fn adopt(&self, feed: &Opened) -> Result<u64, Stopped> {
        let state = LogState { epoch: feed.epoch, position: 0, length: 0 };
        self.writer().transaction(|tx| store::save_state(tx, &state).map_err(Stopped::Store))?;
        let epoch = shown(&feed.epoch);
        info!(name: names::AUDIT_EPOCH_ADOPTED, epoch, "the empty audit log records the feed of store {epoch} from now on");
        Ok(state.position)
    }

    fn go_on(&self, feed: &Opened) -> Result<u64, Stopped> {
        let state = store::load_state(self.writer().connection())?;
        match state {
            Some(state) if state.length > 0 => {
                let last_event_id = store::last_event_id(self.writer().connection())?;
                check_feed(&state, &last_event_id, feed).map_err(Stopped::Halt)
            }
            // Nothing is recorded that could be of another store.
            Some(_) | None => self.adopt(feed),
        }
    }

    /// Records a batch in one transaction; answers where the log then ends, and what there is to log.
    fn record(&self, batch: &Batch) -> Result<(LogState, Vec<Line>), Stopped> {
        // Not `enabled!`: with a filter for each layer it leaves its answer behind for the next span of this thread, which then
        // is not exported.
        let is_logged = LevelFilter::current() >= LevelFilter::DEBUG;
        let mut lines = Vec::new();
        let state = self.writer().transaction(|tx| {
            let unopened = || Halt::new("events came before the feed was opened, which is a bug");
            let mut state = store::load_state(tx)?.ok_or_else(unopened).map_err(Stopped::Halt)?;
            batch.each(|event| {
                if is_logged {
                    lines.push(Line { index: state.length, evidence: event.evidence.clone() });
                }
                append(tx, &mut state, event)
            })?;
            store::save_state(tx, &state)?;
            Ok::<_, Stopped>(state)
        })?;
        Ok((state, lines))
    }
}

impl Consumer for Recorder {
    fn identity(&self) -> Identity {
        IDENTITY
    }

    fn span_names(&self) -> SpanNames {
        SpanNames { event: names::SPAN_RECORD, batch: names::SPAN_RECORD_BATCH }
    }

    fn position(&self) -> u64 {
        self.position.load(Ordering::Acquire)
    }

    fn opened(&self, feed: &Opened) -> Result<u64, ConsumeError> {
        self.go_on(feed).map_err(|stopped| self.stopped(stopped))
    }

    /// Each event says under which lifecycle it was decided: the definition itself is no evidence of a case.
    fn lifecycle(&self, _definition: &LifecycleDefinition) -> Result<(), ConsumeError> {
        Ok(())
    }

    fn apply(&self, batch: &Batch) -> Result<(), ConsumeError> {
        let begun = Instant::now();
        let recorded = self.record(batch);
        self.metrics.transaction(begun.elapsed(), recorded.is_ok());
        let (state, lines) = recorded.map_err(|stopped| self.stopped(stopped))?;
        self.position.store(state.position, Ordering::Release);
        self.metrics.recorded(batch.len());
        lines.iter().for_each(Line::log);
        Ok(())
    }
}

/// An audit log cannot be rebuilt from another feed: whoever compares them must be able to, so nothing is touched.
fn check_feed(state: &LogState, last_event_id: &str, feed: &Opened) -> Result<u64, Halt> {
    let (position, length) = (state.position, state.length);
    if state.epoch != feed.epoch {
        let (ours, theirs) = (shown(&state.epoch), shown(&feed.epoch));
        return Err(Halt::new(format!(
            "the audit log has {length} records of store {ours} up to position {position}, and the feed is of store \
             {theirs}: case-command was restored from a back-up, or audit.feed_url or audit.store names another system. \
             Nothing was changed. Check which of the two is right; to record a restored store, give audit.store a new \
             path and keep the old log as evidence"
        )));
    }
    if feed.head < position {
        return Err(Halt::new(format!(
            "the feed ends at position {}, and the audit log has recorded it up to {position}: case-command has lost \
             events that were acknowledged here. Nothing was changed. Check the disk and the last restart of \
             case-command; what was lost is in the audit log",
            feed.head
        )));
    }
    if feed.after_event_id != last_event_id {
        return Err(Halt::new(format!(
            "the feed has another event at position {position} than the audit log ({}, here {last_event_id}): \
             case-command has lost events that were acknowledged here, and has gone on. Nothing was changed. Stop \
             case-command and compare the two; what was lost is in the audit log",
            feed.after_event_id
        )));
    }
    Ok(position)
}

fn append(connection: &Connection, state: &mut LogState, event: Delivered<'_>) -> Result<(), Stopped> {
    let entry = Entry::of(event.record).map_err(|error| Stopped::Halt(unreadable(event.evidence, error)))?;
    let span = if event.is_traced {
        info_span!(
            "store.append",
            otel.kind = "client",
            db.system.name = "sqlite",
            db.operation.name = "append",
            db.collection.name = "audit_log",
        )
    } else {
        Span::none()
    };
    span.in_scope(|| store::append(connection, state.length, &entry))?;
    state.length += 1;
    state.position = entry.position;
    Ok(())
}

fn unreadable(evidence: &Evidence, error: Unreadable) -> Halt {
    Halt::caused_by(
        format!(
            "the event at position {} ({}) cannot be recorded, and so nothing is from its batch on: this program may be \
             older than case-command; deploy consumers first",
            evidence.position, evidence.event_id
        ),
        error,
    )
}

/// A log line of one event, written after the commit: what a line says has happened.
struct Line {
    index: u64,
    evidence: Evidence,
}

impl Line {
    fn log(&self) {
        let Self { index, evidence: Evidence { case_id, request_id, traceparent, .. } } = self;
        let _of_the_request = remote_request(IDENTITY, traceparent, request_id).attach();
        let action = action_name(self.evidence.action).unwrap_or_default();
        debug!(
            name: names::AUDIT_EVENT_RECORDED,
            index, case_id, action, request_id,
            "{action} of {case_id} is in the audit log at index {index}"
        );
    }
}

fn shown(epoch: &[u8; 16]) -> String {
    uuid::Uuid::from_bytes(*epoch).to_string()
}
