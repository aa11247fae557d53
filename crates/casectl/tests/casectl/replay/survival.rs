//! What a replay survives.

use std::time::Duration;

use casectl::replay::Tally;
use rpc_error::{FailedCall, Failure, Reason};
use service_kit::exit::ExitCode;
use tonic::Status;

use super::fake::{Fault, refusal};
use super::{SAMPLE, assert_sample, fake_for, impatient, options, records, replay};

#[tokio::test]
async fn what_is_transient_is_tried_again() {
    let records = records(SAMPLE);
    let fake = fake_for(&records);
    let running = fake.serve().await;
    fake.with_faults(|attempt| match attempt % 6 {
        1 => Fault::Refuse(Status::unavailable("connection refused")),
        2 => Fault::Refuse(refusal(Reason::Draining, "going down")),
        3 => {
            let full = Failure::new(Reason::QueueFull, "full").with_retry_after(Duration::from_millis(1));
            Fault::Refuse(full.into_status(FailedCall { request_id: "r", trace_id: "" }))
        }
        4 => Fault::Refuse(Status::deadline_exceeded("too late")),
        5 => Fault::Lose,
        _ => Fault::None,
    });
    let summary = replay(&running, &records, options()).await.unwrap();
    assert_sample(&fake, &summary);
    assert_eq!(summary.retries, fake.state().attempts - 17);
    assert!(summary.tally.replayed > 0, "a lost answer is fetched with the same key");
}

#[tokio::test]
async fn servers_may_be_killed_and_started_again() {
    let records = records(SAMPLE);
    let fake = fake_for(&records);
    let running = fake.serve().await;
    // Twice a command is stored and the process dies before it answers.
    fake.with_faults(|attempt| if attempt == 6 || attempt == 15 { Fault::Hang } else { Fault::None });
    let replaying = tokio::spawn({
        let (channel, records) = (running.channel(), records.clone());
        let targets = super::targets(&channel);
        async move { casectl::replay::run(&records, targets, options(), std::sync::Arc::new(super::Short)).await }
    });
    let mut running = running;
    for _ in 0..2 {
        fake.hung.notified().await;
        let address = running.kill().await;
        running = fake.serve_on(address).await;
    }
    let summary = replaying.await.unwrap().unwrap();
    assert_sample(&fake, &summary);
    assert!(summary.tally.replayed >= 2 && summary.retries >= 2, "{summary:?}");
}

#[tokio::test]
async fn a_replay_that_was_cut_off_goes_on_where_it_stopped() {
    let records = records(SAMPLE);
    let fake = fake_for(&records);
    let running = fake.serve().await;
    let mut runs = 0;
    // Each run ends at its third new command.
    for _ in 0..20 {
        runs += 1;
        let begun = fake.state().attempts;
        let done = fake.state().requests.len() as u64;
        fake.with_faults(move |attempt| {
            if attempt > begun + done + 3 { Fault::Refuse(refusal(Reason::Internal, "cut off")) } else { Fault::None }
        });
        match replay(&running, &records, options()).await {
            Err(exit) => assert_eq!(exit.code, ExitCode::Refused, "{exit}"),
            Ok(summary) => {
                assert_sample(&fake, &summary);
                assert_ne!(summary.tally, Tally { replayed: 0, ..summary.tally });
                assert!(runs > 3, "it was cut off on the way");
                return;
            }
        }
    }
    panic!("{runs} runs were not enough");
}

#[tokio::test]
async fn a_service_that_stays_away_ends_the_replay() {
    let records = records(SAMPLE);
    let fake = fake_for(&records);
    let running = fake.serve().await;
    fake.with_faults(|attempt| match attempt {
        1..=5 => Fault::None,
        _ => Fault::Refuse(Status::unavailable("connection refused")),
    });
    let exit = replay(&running, &records, impatient()).await.unwrap_err();
    assert_eq!(exit.code, ExitCode::Unavailable);
    assert!(exit.message.ends_with("connection refused; the same command goes on from here"), "{exit}");

    let channel = running.channel();
    running.kill().await;
    let gone = casectl::replay::run(&records, super::targets(&channel), impatient(), std::sync::Arc::new(super::Short));
    let exit = gone.await.unwrap_err();
    assert_eq!(exit.code, ExitCode::Unavailable);
    assert!(exit.message.starts_with("cannot ask case-query at the fake for the lifecycle"), "{exit}");
}
