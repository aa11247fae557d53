//! Background looks, and what becomes of readiness.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use service_kit::health::{Health, Probe, ProbeTiming, Problem};
use service_kit::identity::Identity;
use tracing_subscriber::layer::SubscriberExt;

use crate::probe::{Lines, in_time};

const IDENTITY: Identity = Identity { name: "case-test" };
const TIMING: ProbeTiming = ProbeTiming { interval: Duration::from_millis(1), look_max: Duration::from_secs(30) };

/// What the next looks find, and how often was looked.
#[derive(Clone, Default)]
struct Thing {
    found: Arc<Mutex<Option<(&'static str, String)>>>,
    looks: Arc<AtomicUsize>,
}

impl Thing {
    fn is(&self, found: Option<(&'static str, &str)>) {
        *self.found.lock().unwrap() = found.map(|(kind, reason)| (kind, reason.to_owned()));
    }

    fn look(&self) -> Result<(), Problem> {
        self.looks.fetch_add(1, Ordering::SeqCst);
        self.found.lock().unwrap().clone().map_or(Ok(()), |(kind, reason)| Err(Problem { kind, reason }))
    }

    /// Waits until it was looked at after now, and reported.
    async fn looked_at(&self) {
        let seen = self.looks.load(Ordering::SeqCst);
        // The second look begins after the first was reported.
        until(|| self.looks.load(Ordering::SeqCst) > seen + 2).await;
    }
}

async fn until(holds: impl Fn() -> bool) {
    in_time(async {
        while !holds() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    })
    .await;
}

fn started(health: &Health, timing: ProbeTiming, look: impl FnMut() -> Result<(), Problem> + Send + 'static) -> Probe {
    let condition = health.condition("thing");
    health.started();
    Probe::start(IDENTITY, "thing", (condition, timing), look).unwrap()
}

#[tokio::test]
async fn readiness_follows_what_is_found_and_each_kind_of_trouble_is_logged_once() {
    let lines = Lines::default();
    let _default = tracing::subscriber::set_default(tracing_subscriber::registry().with(lines.layer()));
    let (health, thing) = (Health::new(&["a.B"]), Thing::default());
    let looked_at = thing.clone();
    let probe = started(&health, TIMING, move || looked_at.look());
    assert!(!health.is_ready(), "nothing is ready before the first look");
    until(|| health.is_ready()).await;
    assert!(lines.of("probe_failed").is_empty() && lines.of("probe_passed").is_empty(), "{}", lines.text());

    thing.is(Some(("full", "9 bytes are left")));
    until(|| !health.is_ready()).await;
    thing.is(Some(("full", "8 bytes are left")));
    until(|| health.failing() == [("thing", "8 bytes are left".to_owned())]).await;
    thing.is(Some(("gone", "it is not there")));
    thing.looked_at().await;
    thing.is(None);
    until(|| health.is_ready()).await;

    let failed = lines.of("probe_failed");
    let told: Vec<_> =
        failed.iter().map(|line| (line["error.type"].as_str().unwrap(), line["level"].as_str().unwrap())).collect();
    assert_eq!(told, [("full", "ERROR"), ("gone", "ERROR")]);
    assert_eq!((&failed[0]["reason"], &failed[0]["probe"]), (&"9 bytes are left".into(), &"thing".into()));
    assert_eq!(lines.of("probe_passed").len(), 1);
    probe.stop().await;
}

#[tokio::test]
async fn a_look_that_hangs_turns_readiness_off_and_is_the_only_one() {
    let (health, looks) = (Health::new(&[]), Arc::new(AtomicUsize::new(0)));
    let (let_go, held) = std::sync::mpsc::channel();
    let counted = Arc::clone(&looks);
    let timing = ProbeTiming { look_max: Duration::from_millis(20), ..TIMING };
    let probe = started(&health, timing, move || {
        // The first look is over at once, the second when it is let go, later ones at once.
        if counted.fetch_add(1, Ordering::SeqCst) == 1 {
            let _ = held.recv();
        }
        Ok(())
    });
    until(|| health.failing().iter().any(|(_, reason)| reason.contains("has not come to an end"))).await;
    // Many intervals later nothing else has been begun: threads do not pile up.
    tokio::time::sleep(timing.interval * 50).await;
    assert_eq!((looks.load(Ordering::SeqCst), health.is_ready()), (2, false));
    let_go.send(()).unwrap();
    until(|| health.is_ready()).await;
    until(|| looks.load(Ordering::SeqCst) > 3).await;
    probe.stop().await;
}

#[tokio::test]
async fn a_look_that_panics_is_not_taken_for_a_good_one() {
    let (health, thing) = (Health::new(&[]), Thing::default());
    let looked_at = thing.clone();
    let _probe = started(&health, TIMING, move || {
        if looked_at.found.lock().unwrap().is_some() {
            std::panic::resume_unwind(Box::new(()));
        }
        Ok(())
    });
    until(|| health.is_ready()).await;
    thing.is(Some(("bug", "")));
    until(|| health.failing().iter().any(|(_, reason)| reason.contains("a bug"))).await;
}

#[tokio::test]
async fn after_the_stop_nothing_is_looked_at_and_what_it_was_looked_at_with_is_closed() {
    let (health, thing) = (Health::new(&[]), Thing::default());
    let (looked_at, open) = (thing.clone(), Arc::new(()));
    let held = Arc::clone(&open);
    let probe = started(&health, TIMING, move || {
        assert!(Arc::strong_count(&held) > 1);
        looked_at.look()
    });
    thing.looked_at().await;
    probe.stop().await;
    assert_eq!(Arc::strong_count(&open), 1, "closed");
    let looks = thing.looks.load(Ordering::SeqCst);
    tokio::time::sleep(TIMING.interval * 50).await;
    assert_eq!(thing.looks.load(Ordering::SeqCst), looks);
}
