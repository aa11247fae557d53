//! The projection: what the event feed makes of the read model.

mod event;
mod fold;

use std::collections::HashSet;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use case_api::event_pb::LifecycleDefinition;
use case_api::{Epoch, lifecycle_from_pb};
use event_feed::{Batch, ConsumeError, Consumer, Halt, Opened, SpanNames};
use service_kit::health::Condition;
use service_kit::identity::Identity;
use storage::{Error, Writer};
use tokio::sync::watch;
use tracing::{info, warn};

use self::fold::Fold;
use crate::answers::Answers;
use crate::metrics::StoreMetrics;
use crate::schema::Place;
use crate::view::View;
use crate::{IDENTITY, indexes, names, schema};

/// Follows the feed: keeps each case as its events make it.
pub(crate) struct Projection {
    writer: Mutex<Writer>,
    view: watch::Sender<View>,
    /// What has changed is forgotten there after each commit, before it is published.
    answers: Arc<Answers>,
    conditions: Conditions,
    is_ready: AtomicBool,
    metrics: StoreMetrics,
}

/// What the projection reports to the server's health.
#[derive(Debug, Clone)]
pub(crate) struct Conditions {
    /// Fails for good when the store is damaged.
    pub(crate) store: Condition,
    /// Passes while the projection can answer.
    pub(crate) projection: Condition,
}

/// Why something was not projected.
enum Stopped {
    Store(Error),
    Halt(Halt),
}

impl From<Error> for Stopped {
    fn from(error: Error) -> Self {
        Self::Store(error)
    }
}

impl From<Halt> for Stopped {
    fn from(halt: Halt) -> Self {
        Self::Halt(halt)
    }
}

impl Projection {
    /// Goes on where the store ends.
    pub(crate) fn new(
        writer: Writer,
        (view, answers): (View, Arc<Answers>),
        conditions: Conditions,
        metrics: StoreMetrics,
    ) -> Self {
        let (view, is_ready) = (watch::Sender::new(view), AtomicBool::new(false));
        let projection = Self { writer: Mutex::new(writer), view, answers, conditions, is_ready, metrics };
        projection.report_readiness();
        projection
    }

    /// What is published after each commit.
    pub(crate) fn view(&self) -> watch::Receiver<View> {
        self.view.subscribe()
    }

    /// A panic leaves no transaction open, so that a poisoned lock is sound.
    fn writer(&self) -> MutexGuard<'_, Writer> {
        self.writer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// After the commit: whoever waits for a position may read it.
    fn publish(&self, change: impl FnOnce(&mut View)) {
        self.view.send_modify(change);
        self.report_readiness();
    }

    fn report_readiness(&self) {
        let unready = self.view.borrow().unready();
        let was_ready = self.is_ready.swap(unready.is_none(), Ordering::Relaxed);
        let condition = &self.conditions.projection;
        match unready {
            None if was_ready => {}
            None => condition.pass(),
            Some(lag) if lag.events() == 0 => condition.fail("nothing has come from the feed yet"),
            Some(lag) => condition.fail(format!("being built: {} events are missing", lag.events())),
        }
    }

    fn stopped(&self, stopped: Stopped) -> ConsumeError {
        match stopped {
            Stopped::Halt(halt) => halt.into(),
            Stopped::Store(error) => {
                if matches!(error, Error::Corrupt { .. }) {
                    // Logs it and turns readiness off; there is no caller to tell.
                    let _ = store_failure::failure(&error, "projection", &self.conditions.store);
                }
                error.into()
            }
        }
    }

    fn start_over(&self, epoch: Epoch, head: u64) -> Result<u64, Stopped> {
        self.metrics.measured("start_over", || {
            self.writer().transaction(|tx| schema::start_over(tx, epoch, head).map_err(Stopped::Store))
        })?;
        self.answers.forget_all();
        self.publish(|view| view.place = Some(Place { epoch, position: 0, rebuild_head: head }));
        Ok(0)
    }

    fn go_on(&self, feed: &Opened) -> Result<u64, Stopped> {
        let epoch = Epoch(feed.epoch);
        let place = self.view.borrow().place;
        let reason = match place {
            None => {
                info!(name: names::PROJECTION_REBUILD_STARTED, head = feed.head, "the read model is built from the feed for the first time, up to position {}", feed.head);
                return self.start_over(epoch, feed.head);
            }
            Some(place) if place.epoch != epoch => "the feed is of another store",
            Some(place) if place.position > feed.head => "the feed is shorter than the read model",
            Some(place) => {
                if schema::last_event_id(self.writer().connection())? == feed.after_event_id {
                    return Ok(place.position);
                }
                "the feed has another history than the read model"
            }
        };
        warn!(
            name: names::PROJECTION_REBUILD_STARTED,
            reason, head = feed.head,
            "{reason}: the read model is thrown away and built anew, up to position {}", feed.head
        );
        self.start_over(epoch, feed.head)
    }

    fn keep_lifecycle(&self, definition: &LifecycleDefinition) -> Result<(), Stopped> {
        let version = definition.version;
        let lifecycle = lifecycle_from_pb(definition).map_err(|error| {
            let reason = format!(
                "lifecycle version {version} cannot be read: this program may be older than case-command; deploy \
                 consumers first"
            );
            Stopped::Halt(Halt::caused_by(reason, error))
        })?;
        let known = self.view.borrow().clone();
        if known.lifecycle.as_deref() == Some(&lifecycle) && known.lifecycle_version == version {
            return Ok(());
        }
        self.writer().transaction(|tx| schema::save_lifecycle(tx, definition).map_err(Stopped::Store))?;
        self.answers.forget_all();
        self.publish(|view| {
            view.lifecycle = Some(Arc::new(lifecycle));
            view.lifecycle_version = version;
        });
        info!(name: names::LIFECYCLE_RECEIVED, version, "lifecycle version {version} is in force");
        Ok(())
    }

    /// Whoever finds the model whole finds its indexes: they are made before the events that make it so.
    fn complete_if_whole_with(&self, position: u64) -> Result<(), Error> {
        let is_rebuilding = |place: Place| place.lag().events() > 0 && position >= place.rebuild_head;
        if !self.view.borrow().place.is_some_and(is_rebuilding) {
            return Ok(());
        }
        let mut writer = self.writer();
        let folder = writer.connection().path().map(Path::new).and_then(Path::parent).map(Path::to_owned);
        self.metrics.measured("index", || indexes::complete(&mut writer, folder.as_deref()))
    }

    fn project(&self, batch: &Batch) -> Result<(), Stopped> {
        let position = batch.last_position();
        self.complete_if_whole_with(position)?;
        let mut changed = HashSet::new();
        self.metrics.measured("apply_batch", || {
            self.writer().transaction(|tx| {
                let mut fold = Fold::default();
                batch.each(|event| event::project(tx, event, (&mut fold, &mut changed)))?;
                fold.write(tx)?;
                let last_event_id = batch.evidence().last().map(|evidence| evidence.event_id.as_str());
                schema::save_position(tx, position, last_event_id.unwrap_or_default()).map_err(Stopped::Store)
            })
        })?;
        self.answers.forget(changed);
        let was_unready = !self.is_ready.load(Ordering::Relaxed);
        self.publish(|view| view.place = view.place.map(|place| Place { position, ..place }));
        if was_unready && self.is_ready.load(Ordering::Relaxed) {
            info!(name: names::PROJECTION_REBUILT, position, "the read model is whole again at position {position}");
        }
        Ok(())
    }
}

impl Consumer for Projection {
    fn identity(&self) -> Identity {
        IDENTITY
    }

    fn span_names(&self) -> SpanNames {
        SpanNames { event: names::SPAN_PROJECT, batch: names::SPAN_APPLY_BATCH }
    }

    fn position(&self) -> u64 {
        self.view.borrow().place.map_or(0, |place| place.position)
    }

    /// A projection of another store, or of events that the store has lost, is worth nothing: it is built anew.
    fn opened(&self, feed: &Opened) -> Result<u64, ConsumeError> {
        self.go_on(feed).map_err(|stopped| self.stopped(stopped))
    }

    fn lifecycle(&self, definition: &LifecycleDefinition) -> Result<(), ConsumeError> {
        self.keep_lifecycle(definition).map_err(|stopped| self.stopped(stopped))
    }

    fn apply(&self, batch: &Batch) -> Result<(), ConsumeError> {
        self.project(batch).map_err(|stopped| self.stopped(stopped))
    }
}
