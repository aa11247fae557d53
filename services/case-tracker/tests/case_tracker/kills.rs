//! Services die at any moment under a stream of commands; nothing is lost or doubled. `case-durability kills` does so at length.

use std::time::Duration;

use test_support::{Claim, Load, Retries, SeededEntropy, judge, views};

use crate::system::{AUDIT, COMMAND, QUERY, System};

const KILLS: usize = 12;
/// Acknowledgements between two kills, at most.
const APART: u64 = 60;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whatever_service_is_killed_under_load_nothing_is_lost_or_doubled() {
    let mut system = System::apart(&[]).await;
    let load = Load {
        clients: 4,
        pause: Duration::from_millis(1),
        retries: Retries::Safe,
        prefix: "kills".to_owned(),
        seed: 2_026,
    };
    let mut running = load.start(&system);
    let random = SeededEntropy::new(2_026);
    for _ in 0..KILLS {
        running.advance(usize::try_from(1 + random.next() % APART).unwrap()).await;
        let victim = [COMMAND, QUERY, AUDIT][usize::try_from(random.next() % 3).unwrap()];
        system.kill_and_restart(victim).await;
    }
    let seen = running.stop().await;
    assert_eq!(seen.stale, 0, "of {} reads", seen.reads);
    assert!(seen.acknowledged.len() >= KILLS);
    let claims: Vec<Claim> = seen.acknowledged.into_iter().map(|acknowledged| acknowledged.claim).collect();
    let verdict = judge(&claims, &views(&system).await.unwrap());
    assert!(verdict.is_clean(), "{verdict:#?}");
    system.stop().await;
}
