//! Three times what saturates it: what still gets done, what the others are told, and what it costs.

use std::collections::BTreeMap;
use std::time::Duration;

use super::calls::{create_case, stop};
use super::disk;
use crate::bench::Bench;
use crate::error::Error;
use crate::load::{Outcome, WITHHELD, Workload, count, millis};
use crate::report::{Section, Target, megabytes};
use crate::server::{MemoryWatch, Probe, Probed};

/// How many times the peak is offered.
const TIMES_PEAK: f64 = 3.0;

/// Callers of the runs that look for the peak; all below the limit of calls in flight as shipped, so none is refused.
const CALLERS: [usize; 3] = [256, 768, 1_536];

/// The share of what was to be sent that passes for all of it.
const NEARLY: f64 = 0.9;

/// A service with many cases may take this much under load (P11); one that is overloaded, no more.
const MEMORY_MB_MAX: f64 = 256.0;

pub(super) fn measure(bench: &Bench, duration: Duration) -> Result<Section, Error> {
    let mut section = Section::new(format!("overload: three times the peak for {} s", duration.as_secs()));
    if bench.place.cores.is_some() {
        section.note(
            "the client keeps to the last core and the servers to the others, in the peak's runs and in overload",
        );
    } else {
        section.note("client and servers share one core: what the client takes, the server lacks");
    }
    disk::beside(bench, &mut section)?;
    let collector = bench.collector()?;
    let command = bench.system("command", Bench::shipped(&collector))?.start_command()?;
    let create = create_case(command.address);
    let peak = saturation(bench, &mut section, &create)?;

    let before = (command.memory(), command.processor_time());
    let (memory, probe) = (MemoryWatch::start(&command), Probe::start(command.address, bench.place.clone()));
    let run = bench.open_for(&create, peak * TIMES_PEAK, duration)?;
    let (probed, most) = (probe.finish()?, memory.finish()?);
    let busy = command.processor_time().saturating_sub(before.1);

    offered(&mut section, &run, peak);
    let goodput = section.figure("CreateCase succeeded under overload", "/s", vec![run.rate()]);
    section.percentile("CreateCase that succeeded under overload", 99.0, std::slice::from_ref(&run));
    refusals(&mut section, &run);
    let of_a_core = busy.as_secs_f64() / (duration + bench.options.warm_up).as_secs_f64();
    section.figure("processor time of case-command", "of a core", vec![of_a_core]);
    section.figure("memory before", "MB", vec![megabytes(before.0)]);
    let most = section.figure("memory, at most", "MB", vec![megabytes(most)]);
    section.figure("memory after", "MB", vec![megabytes(command.memory())]);
    section.verdict("Q6", "goodput under overload / peak", goodput / peak, Target::AtLeast(0.8));
    section.verdict("Q6", "memory under overload, in MB", most, Target::AtMost(MEMORY_MB_MAX));
    health(&mut section, &probed);
    let after = bench.closed(&create, 1)?;
    section.check("CreateCase after the overload", &[after]);
    stop([command, collector])?;
    Ok(section)
}

/// The most that it does, with however many callers that takes: a slow disk needs more of them than a fast one.
fn saturation(bench: &Bench, section: &mut Section, create: &Workload) -> Result<f64, Error> {
    let mut most: f64 = 0.0;
    for in_flight in CALLERS {
        let runs = bench.in_turns(&mut [&mut || bench.closed(create, in_flight)])?.concat();
        most = most.max(section.rate(&format!("CreateCase, {in_flight} in flight"), &runs));
    }
    Ok(most)
}

/// What reached the server: a client on the same machine may not manage all that it was to offer.
fn offered(section: &mut Section, run: &Outcome, peak: f64) {
    let rate = count(run.offered) / run.elapsed.as_secs_f64();
    section.figure("CreateCase sent under overload", "/s", vec![rate]);
    section.figure("sent under overload / peak", "", vec![rate / peak]);
    if rate < peak * TIMES_PEAK * NEARLY {
        section.note(format!("the client was to send {:.0}/s, and managed {rate:.0}/s", peak * TIMES_PEAK));
    }
}

/// Counts what callers were told; whatever a program could not understand is a problem.
fn refusals(section: &mut Section, run: &Outcome) {
    let mut typed = BTreeMap::new();
    for (label, failure) in &run.failures {
        if label == WITHHELD {
            section.figure("calls that the client could not even send", "", vec![count(failure.count)]);
        } else if failure.typed {
            typed.insert(label, failure.count);
        } else {
            section.problems.push(format!("{} calls were refused without a type: {label}", failure.count));
        }
    }
    for (reason, refused) in &typed {
        section.figure(format!("refused: {reason}"), "", vec![count(*refused)]);
    }
    if run.failures.keys().all(|label| label == WITHHELD) {
        let problem =
            "nothing was refused: the client offered no more than the server could do, so this was no overload";
        section.problems.push(problem.to_owned());
    }
    if run.completed == 0 {
        section.problems.push("no call succeeded under overload".to_owned());
    }
}

fn health(section: &mut Section, probed: &Probed) {
    let of = |percentile: f64| millis(probed.latency.value_at_percentile(percentile));
    section.figure("health answers under overload, p50", "ms", vec![of(50.0)]);
    section.figure("health answers under overload, p99", "ms", vec![of(99.0)]);
    section.figure("health answers under overload, slowest", "ms", vec![millis(probed.latency.max())]);
    let answered = probed.latency.len();
    for (instead, questions) in &probed.unanswered {
        section.problems.push(format!("health: {questions} questions unanswered ({instead}), {answered} answered"));
    }
    if answered == 0 {
        section.problems.push("health: no question was answered".to_owned());
    }
    if probed.unwell > 0 {
        section.problems.push(format!("health: {} answers said NOT_SERVING: overload is no illness", probed.unwell));
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::time::Duration;

    use super::*;
    use crate::load::{Failure, histogram, note};

    fn run(label: &str, typed: bool) -> Outcome {
        let failures = BTreeMap::from([(label.to_owned(), Failure { count: 7, typed })]);
        let latency = histogram().expect("a histogram");
        Outcome { elapsed: Duration::from_secs(1), offered: 8, completed: 1, failures, latency }
    }

    #[test]
    fn a_typed_refusal_is_what_overload_should_look_like() {
        let mut section = Section::new("overload");
        refusals(&mut section, &run("OVERLOADED", true));
        assert_eq!(section.problems, Vec::<String>::new());
        assert_eq!(section.figures.first().map(|figure| figure.name.as_str()), Some("refused: OVERLOADED"));
    }

    #[test]
    fn an_untyped_refusal_fails_the_run() {
        let mut section = Section::new("overload");
        refusals(&mut section, &run("Unavailable without a reason: gone", false));
        assert_eq!(section.problems.len(), 1, "{:?}", section.problems);
    }

    #[test]
    fn what_the_client_could_not_send_is_counted_but_not_held_against_the_server() {
        let mut section = Section::new("overload");
        let mut run = run(WITHHELD, false);
        run.failures.insert("OVERLOADED".to_owned(), Failure { count: 1, typed: true });
        refusals(&mut section, &run);
        assert_eq!(section.problems, Vec::<String>::new());
        assert_eq!(section.figures.len(), 2, "both are counted");
    }

    #[test]
    fn a_run_in_which_nothing_was_refused_overloaded_nobody_and_fails() {
        let mut section = Section::new("overload");
        refusals(&mut section, &run(WITHHELD, false));
        assert_eq!(section.problems.len(), 1, "{:?}", section.problems);
        assert!(section.problems[0].contains("nothing was refused"));
    }

    #[test]
    fn health_that_does_not_answer_fails_the_run() {
        let probed = |unanswered: &[(String, u64)]| {
            let mut latency = histogram().expect("a histogram");
            note(&mut latency, Duration::from_millis(1));
            Probed { latency, unanswered: unanswered.iter().cloned().collect(), unwell: 0 }
        };
        let mut section = Section::new("overload");
        health(&mut section, &probed(&[]));
        assert_eq!(section.problems, Vec::<String>::new(), "control");
        health(&mut section, &probed(&[("nothing within 1s".to_owned(), 1)]));
        assert_eq!(section.problems.len(), 1);
    }
}
