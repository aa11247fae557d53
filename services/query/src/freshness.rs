//! How fresh an answer is: waiting for what a caller has already seen, and saying what an answer includes.

use std::sync::Arc;
use std::time::Duration;

use case_api::{ConsistencyToken, Violations};
use case_domain::Lifecycle;
use rpc_error::{Failure, Reason};
use service_kit::client::dependencies::EVENT_FEED;
use tokio::sync::watch;
use tokio::time::{Instant, timeout_at};
use tracing::warn;

use crate::names;
use crate::schema::Place;
use crate::view::{Lag, View};

/// What is left of a caller's deadline when a wait is given up, so that it reads why.
const DEADLINE_MARGIN: Duration = Duration::from_millis(50);
/// When to come back to a projection that is behind.
const RETRY_LAGGING: Duration = Duration::from_millis(500);

/// Waits for the projection.
#[derive(Debug, Clone)]
pub(crate) struct Freshness {
    /// What the projection publishes.
    pub(crate) view: watch::Receiver<View>,
    /// The longest wait (`query.freshness_wait`).
    pub(crate) wait_max: Duration,
}

/// The projection as a reader finds it who may be answered.
#[derive(Debug, Clone)]
pub(crate) struct Fresh {
    /// The place that was published.
    pub(crate) place: Place,
    /// The lifecycle last received.
    pub(crate) lifecycle: Arc<Lifecycle>,
}

/// What the projection is to a reader who has seen some tokens.
enum Verdict {
    Fresh(Fresh),
    Behind(Lag),
    OtherStore { token: usize },
}

impl Freshness {
    /// Waits until the projection includes all of `tokens`, within bounds, and answers with what it is then. Without tokens
    /// nobody waits.
    pub(crate) async fn wait(&self, tokens: &[ConsistencyToken], deadline: Instant) -> Result<Fresh, Failure> {
        let first = judge(&self.view.borrow(), tokens);
        let verdict = match first {
            Verdict::Behind(_) if !tokens.is_empty() => self.wait_until_fresh(tokens, deadline).await,
            Verdict::Fresh(_) | Verdict::Behind(_) | Verdict::OtherStore { .. } => first,
        };
        match verdict {
            Verdict::Fresh(fresh) => Ok(fresh),
            Verdict::Behind(lag) => Err(lagging(lag)),
            Verdict::OtherStore { token } => Err(other_store(token)),
        }
    }

    /// The lifecycle last received, with its version and the place of the read model. Nobody waits for it.
    pub(crate) fn lifecycle(&self) -> Result<LifecycleSeen, Failure> {
        let View { place, lifecycle, lifecycle_version } = self.view.borrow().clone();
        let seen = place.zip(lifecycle).map(|(place, lifecycle)| {
            let as_of = ConsistencyToken { epoch: place.epoch, position: place.position };
            LifecycleSeen { version: lifecycle_version, lifecycle, as_of }
        });
        seen.ok_or_else(|| lagging(Lag { position: 0, wanted: 0 }))
    }

    async fn wait_until_fresh(&self, tokens: &[ConsistencyToken], deadline: Instant) -> Verdict {
        let until = give_up_at(Instant::now(), deadline, self.wait_max);
        let mut view = self.view.clone();
        let settled = |view: &View| !matches!(judge(view, tokens), Verdict::Behind(_));
        // Late, or the projection has ended: what it is now counts.
        let _ = timeout_at(until, view.wait_for(|view| settled(view))).await;
        judge(&self.view.borrow(), tokens)
    }
}

/// The lifecycle as the read model has it.
pub(crate) struct LifecycleSeen {
    /// Its version.
    pub(crate) version: u32,
    /// What is allowed.
    pub(crate) lifecycle: Arc<Lifecycle>,
    /// The last change that the read model had seen.
    pub(crate) as_of: ConsistencyToken,
}

fn give_up_at(now: Instant, deadline: Instant, wait_max: Duration) -> Instant {
    deadline.checked_sub(DEADLINE_MARGIN).unwrap_or(now).min(now + wait_max)
}

fn judge(view: &View, tokens: &[ConsistencyToken]) -> Verdict {
    let seen = tokens.iter().map(|token| token.position).max().unwrap_or(0);
    let behind = |lag: Lag| Verdict::Behind(Lag { wanted: lag.wanted.max(seen), ..lag });
    let (Some(place), Some(lifecycle)) = (&view.place, &view.lifecycle) else {
        return behind(view.unready().unwrap_or(Lag { position: 0, wanted: 0 }));
    };
    if let Some(token) = tokens.iter().position(|token| token.epoch != place.epoch) {
        return Verdict::OtherStore { token };
    }
    if place.position < seen.max(place.rebuild_head) {
        return behind(place.lag());
    }
    Verdict::Fresh(Fresh { place: *place, lifecycle: Arc::clone(lifecycle) })
}

/// The projection is not as far as it has to be.
pub(crate) fn lagging(lag: Lag) -> Failure {
    let Lag { position, wanted } = lag;
    let events = lag.events();
    let message = if events == 0 {
        "the read model has not heard from the event feed yet; call again".to_owned()
    } else {
        format!("the read model is {events} events behind (at position {position}, wanted {wanted}); call again")
    };
    warn!(
        name: names::PROJECTION_LAGGING,
        dependency = EVENT_FEED.name, operation = "freshness", reason = Reason::ProjectionLagging.as_str(),
        position, wanted, lag_events = events,
        "a read was refused: {message}"
    );
    Failure::new(Reason::ProjectionLagging, message)
        .with_metadata("lag_events", events.to_string())
        .with_metadata("position", position.to_string())
        .with_metadata("wanted", wanted.to_string())
        .with_retry_after(RETRY_LAGGING)
}

fn other_store(token: usize) -> Failure {
    let mut violations = Violations::default();
    let field = format!("consistency.at_least_as_fresh[{token}]");
    violations.add(
        &field,
        "is of another store, or of this one before it was restored; read without it",
        "OTHER_STORE",
    );
    // There is a violation.
    violations.into_result_as(Reason::InvalidConsistencyToken).err().unwrap_or_else(Failure::internal)
}

#[cfg(test)]
#[path = "freshness_tests.rs"]
mod tests;
