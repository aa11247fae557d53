//! What the projection says of itself to those who read: published after each commit.

use std::sync::Arc;

use case_api::ConsistencyToken;
use case_domain::Lifecycle;

use crate::schema::Place;

/// How far the projection is, and what it knows beside the cases.
#[derive(Debug, Clone, Default)]
pub(crate) struct View {
    /// `None`: the feed was never open.
    pub(crate) place: Option<Place>,
    /// The lifecycle last received. `None`: none was yet.
    pub(crate) lifecycle: Option<Arc<Lifecycle>>,
    /// Its version; 0 where there is none.
    pub(crate) lifecycle_version: u32,
}

/// How far the projection has to come before it can answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Lag {
    /// Where it is.
    pub(crate) position: u64,
    /// Where it has to be.
    pub(crate) wanted: u64,
}

impl View {
    /// What keeps the projection from answering anybody: it does not know its feed or its lifecycle yet, or it is being
    /// built and lacks cases that exist.
    pub(crate) fn unready(&self) -> Option<Lag> {
        let place = self.place.as_ref();
        let lag = place.map_or(Lag { position: 0, wanted: 0 }, Place::lag);
        (place.is_none() || self.lifecycle.is_none() || lag.events() > 0).then_some(lag)
    }
}

impl Place {
    /// The consistency token of this place, as answers carry it.
    pub(crate) fn as_of(&self) -> String {
        ConsistencyToken { epoch: self.epoch, position: self.position }.encode()
    }

    /// How much of a rebuild is missing.
    pub(crate) const fn lag(&self) -> Lag {
        Lag { position: self.position, wanted: self.rebuild_head }
    }
}

impl Lag {
    /// How many events are missing.
    pub(crate) const fn events(self) -> u64 {
        self.wanted.saturating_sub(self.position)
    }
}
