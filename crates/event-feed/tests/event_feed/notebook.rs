//! A consumer that writes down what it is given, and fails when it is told to.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use case_api::event_pb::LifecycleDefinition;
use event_feed::{Batch, ConsumeError, Consumer, Opened, SpanNames};
use service_kit::identity::Identity;
use tokio::sync::watch;

/// What a test can say about one call of `apply`.
pub(crate) enum Script {
    /// Fail with this.
    Fail(ConsumeError),
    /// Do not return before the test sends something.
    Wait(std::sync::mpsc::Receiver<()>),
}

#[derive(Default)]
pub(crate) struct Notebook {
    pub(crate) applied: watch::Sender<Vec<u64>>,
    pub(crate) epochs: Mutex<Vec<[u8; 16]>>,
    pub(crate) lifecycles: watch::Sender<Vec<u32>>,
    pub(crate) script: Mutex<VecDeque<Script>>,
    pub(crate) applications: watch::Sender<u32>,
}

impl Notebook {
    pub(crate) fn new(script: impl IntoIterator<Item = Script>) -> Arc<Self> {
        Arc::new(Self { script: Mutex::new(script.into_iter().collect()), ..Self::default() })
    }

    /// Waits until the last position is this one.
    pub(crate) async fn reached(&self, position: u64) {
        self.applied.subscribe().wait_for(|applied| applied.last() == Some(&position)).await.unwrap();
    }

    pub(crate) fn positions(&self) -> Vec<u64> {
        self.applied.borrow().clone()
    }
}

impl Consumer for Notebook {
    fn identity(&self) -> Identity {
        Identity { name: "notebook" }
    }

    fn span_names(&self) -> SpanNames {
        SpanNames { event: "notebook.note", batch: "notebook.apply_batch" }
    }

    fn position(&self) -> u64 {
        self.applied.borrow().last().copied().unwrap_or(0)
    }

    fn opened(&self, feed: &Opened) -> Result<u64, ConsumeError> {
        let mut epochs = self.epochs.lock().unwrap();
        if epochs.last().is_some_and(|last| *last != feed.epoch) {
            self.applied.send_modify(Vec::clear);
        }
        epochs.push(feed.epoch);
        Ok(self.position())
    }

    fn lifecycle(&self, definition: &LifecycleDefinition) -> Result<(), ConsumeError> {
        self.lifecycles.send_modify(|lifecycles| lifecycles.push(definition.version));
        Ok(())
    }

    fn apply(&self, batch: &Batch) -> Result<(), ConsumeError> {
        self.applications.send_modify(|count| *count += 1);
        let step = self.script.lock().unwrap().pop_front();
        match step {
            Some(Script::Fail(error)) => return Err(error),
            Some(Script::Wait(go_on)) => go_on.recv().unwrap(),
            None => {}
        }
        let mut positions = self.positions();
        batch.each(|event| {
            positions.push(event.evidence.position);
            Ok::<_, ConsumeError>(())
        })?;
        self.applied.send_replace(positions);
        Ok(())
    }
}
