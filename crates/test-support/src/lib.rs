//! A whole system in a test: processes, clients and their load, the judge of its effects, a fake collector, a fixed clock. A
//! dev-dependency only, but for case-durability, which is a harness itself.
//!
//! What goes wrong in here is a failed test, so it panics with what was expected.
#![expect(
    clippy::expect_used,
    clippy::panic,
    clippy::missing_panics_doc,
    reason = "a harness that fails a test says so by panicking"
)]

mod client;
mod clock;
mod collector;
mod command;
mod effects;
mod feed;
mod load;
mod process;
mod system;
mod views;

pub use client::{Caller, CallerChannel, Refusal};
pub use clock::{FixedClock, SeededEntropy};
pub use collector::{Collector, MetricSeen, SpanSeen};
pub use command::{Answer, Sent, is_transient};
pub use effects::{Claim, Effect, Verdict, View, judge};
pub use feed::{follow, history};
pub use load::{Acknowledged, Load, Retries, Seen, UnderLoad};
pub use process::{ServerProcess, Spec, Transcript};
pub use system::{AUDIT, COMMAND, QUERY, System, all_in_one, one};
pub use views::views;

use std::time::Duration;

/// How long a test waits for what must happen before it calls it missing. Never a measure of speed.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// Waits for what must happen; says what it was if it does not.
pub async fn eventually<T>(what: &str, future: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, future).await.unwrap_or_else(|_| panic!("waited {PATIENCE:?} in vain for {what}"))
}

/// Asks again and again until there is an answer; says what was asked if there never is.
pub async fn poll_until<T, F: Future<Output = Option<T>>>(what: &str, mut ask: impl FnMut() -> F) -> T {
    let answered = async {
        let mut turns = tokio::time::interval(Duration::from_millis(10));
        loop {
            turns.tick().await;
            if let Some(answer) = ask().await {
                return answer;
            }
        }
    };
    eventually(what, answered).await
}
