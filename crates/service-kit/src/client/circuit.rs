//! What a circuit breaker decides, without clock, metrics or log.

use std::time::Duration;

use tokio::time::Instant;

use super::policy::Thresholds;

/// When to ask again while somebody else's trial is under way.
const TRIAL_WAIT: Duration = Duration::from_millis(100);

/// A circuit.
#[derive(Debug)]
pub(super) struct Circuit {
    thresholds: Thresholds,
    state: State,
    /// Failures without a success between them.
    failures: u32,
    /// Counts the changes of the state: what a call that began before the last one has to tell is out of date.
    generation: u64,
}

/// Whether calls go through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    /// They do.
    Closed,
    /// They fail at once, until then.
    Open { until: Instant },
    /// One does, to see; whether it is under way.
    HalfOpen { trial: bool },
}

/// Names a call that goes through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Ticket {
    generation: u64,
}

/// What a call says about the dependency.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It answers.
    Good,
    /// It fails.
    Bad,
    /// Nothing.
    None,
}

/// A change of the state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Change {
    pub(super) to: State,
    /// Failures in a row by now.
    pub(super) failures: u32,
    /// How long it stays open if it is.
    pub(super) open_for: Duration,
}

impl State {
    pub(super) const CLOSED_NAME: &'static str = "closed";
    pub(super) const CLOSED_NUMBER: u64 = 0;

    /// As diagnostics and attributes write it.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Closed => Self::CLOSED_NAME,
            Self::Open { .. } => "open",
            Self::HalfOpen { .. } => "half-open",
        }
    }

    /// As the gauge shows it.
    pub(super) const fn number(self) -> u64 {
        match self {
            Self::Closed => Self::CLOSED_NUMBER,
            Self::Open { .. } => 1,
            Self::HalfOpen { .. } => 2,
        }
    }
}

impl Circuit {
    pub(super) const fn new(thresholds: Thresholds) -> Self {
        Self { thresholds, state: State::Closed, failures: 0, generation: 0 }
    }

    pub(super) const fn state(&self) -> State {
        self.state
    }

    /// Lets a call through, or says how long to wait before asking again.
    pub(super) fn admit(&mut self, now: Instant) -> Result<(Ticket, Option<Change>), Duration> {
        let change = match self.state {
            State::Closed => None,
            State::Open { until } if now < until => return Err(until.duration_since(now)),
            State::Open { .. } => Some(self.change(State::HalfOpen { trial: true })),
            State::HalfOpen { trial: true } => return Err(TRIAL_WAIT),
            State::HalfOpen { trial: false } => {
                self.state = State::HalfOpen { trial: true };
                None
            }
        };
        Ok((Ticket { generation: self.generation }, change))
    }

    /// Takes the verdict of a call that went through.
    pub(super) fn settle(&mut self, ticket: Ticket, verdict: Verdict, now: Instant) -> Option<Change> {
        if ticket.generation != self.generation {
            return None;
        }
        match (verdict, self.state) {
            (Verdict::None, State::HalfOpen { .. }) => {
                self.state = State::HalfOpen { trial: false };
                None
            }
            (Verdict::Good, State::HalfOpen { .. }) => {
                self.failures = 0;
                Some(self.change(State::Closed))
            }
            (Verdict::Good, State::Closed) => {
                self.failures = 0;
                None
            }
            (Verdict::Bad, State::HalfOpen { .. }) => {
                self.failures = self.failures.saturating_add(1);
                Some(self.open(now))
            }
            (Verdict::Bad, State::Closed) => {
                self.failures = self.failures.saturating_add(1);
                (self.failures >= self.thresholds.failures_in_a_row).then(|| self.open(now))
            }
            // No call goes through while it is open, so no ticket is of this generation.
            (Verdict::None, State::Closed) | (_, State::Open { .. }) => None,
        }
    }

    fn open(&mut self, now: Instant) -> Change {
        self.change(State::Open { until: now + self.thresholds.open_for })
    }

    fn change(&mut self, to: State) -> Change {
        self.generation = self.generation.wrapping_add(1);
        self.state = to;
        Change { to, failures: self.failures, open_for: self.thresholds.open_for }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const OPEN_FOR: Duration = Duration::from_secs(5);
    const THRESHOLDS: Thresholds =
        Thresholds { failures_in_a_row: 3, open_for: OPEN_FOR, expiry_counts_after: Duration::from_secs(1) };

    /// A circuit, and the time.
    struct Given {
        circuit: Circuit,
        now: Instant,
    }

    impl Given {
        fn closed() -> Self {
            Self { circuit: Circuit::new(THRESHOLDS), now: Instant::now() }
        }

        fn open() -> Self {
            let mut given = Self::closed();
            given.calls([Verdict::Bad; 3]);
            assert_eq!(given.circuit.state(), State::Open { until: given.now + OPEN_FOR });
            given
        }

        fn half_open() -> (Self, Ticket) {
            let mut given = Self::open();
            given.now += OPEN_FOR;
            let (ticket, change) = given.circuit.admit(given.now).unwrap();
            assert_eq!(change.unwrap().to, State::HalfOpen { trial: true });
            (given, ticket)
        }

        fn calls(&mut self, verdicts: impl IntoIterator<Item = Verdict>) {
            for verdict in verdicts {
                let (ticket, _) = self.circuit.admit(self.now).unwrap();
                self.circuit.settle(ticket, verdict, self.now);
            }
        }
    }

    #[test]
    fn only_failures_in_a_row_open_it() {
        let mut given = Given::closed();
        given.calls([Verdict::Bad, Verdict::Bad, Verdict::Good, Verdict::Bad, Verdict::Bad]);
        assert_eq!(given.circuit.state(), State::Closed);
        given.calls([Verdict::Bad]);
        assert!(matches!(given.circuit.state(), State::Open { .. }));
    }

    #[test]
    fn calls_without_a_verdict_neither_open_it_nor_keep_it_closed() {
        let mut given = Given::closed();
        given.calls([Verdict::None; 10]);
        assert_eq!(given.circuit.state(), State::Closed);
        given.calls([Verdict::Bad, Verdict::None, Verdict::Bad, Verdict::None, Verdict::Bad]);
        assert!(matches!(given.circuit.state(), State::Open { .. }));
    }

    #[test]
    fn while_it_is_open_no_call_goes_through_and_each_is_told_when_to_come_back() {
        let mut given = Given::open();
        given.now += Duration::from_secs(2);
        assert_eq!(given.circuit.admit(given.now).unwrap_err(), Duration::from_secs(3));
    }

    #[test]
    fn after_the_wait_one_trial_goes_through_and_no_second_one() {
        let (mut given, _trial) = Given::half_open();
        assert_eq!(given.circuit.admit(given.now).unwrap_err(), TRIAL_WAIT);
    }

    #[test]
    fn a_trial_closes_it_or_opens_it_for_as_long_again() {
        let (mut given, trial) = Given::half_open();
        let change = given.circuit.settle(trial, Verdict::Good, given.now).unwrap();
        assert_eq!((change.to, given.circuit.failures), (State::Closed, 0));
        let (mut given, trial) = Given::half_open();
        let change = given.circuit.settle(trial, Verdict::Bad, given.now).unwrap();
        assert_eq!((change.to, change.failures), (State::Open { until: given.now + OPEN_FOR }, 4));
    }

    #[test]
    fn a_trial_that_nobody_waited_for_leaves_room_for_another() {
        let (mut given, trial) = Given::half_open();
        assert_eq!(given.circuit.settle(trial, Verdict::None, given.now), None);
        let (_, change) = given.circuit.admit(given.now).unwrap();
        assert_eq!((change, given.circuit.state()), (None, State::HalfOpen { trial: true }));
    }

    #[test]
    fn what_began_before_the_last_change_no_longer_counts() {
        let mut given = Given::closed();
        let (early, _) = given.circuit.admit(given.now).unwrap();
        given.calls([Verdict::Bad; 3]);
        assert_eq!(given.circuit.settle(early, Verdict::Good, given.now), None);
        given.now += OPEN_FOR;
        given.circuit.admit(given.now).unwrap();
        assert_eq!(given.circuit.settle(early, Verdict::Bad, given.now), None, "it is not the trial");
        assert_eq!(given.circuit.state(), State::HalfOpen { trial: true });
    }
}
