//! What a person sees while the work goes on.

use std::fmt;
use std::io::Write;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};
use tokio::time::Instant;
use tonic::Status;

use super::caller::cause;

/// How far apart plain lines are.
const LINE_INTERVAL: Duration = Duration::from_secs(5);
const BAR: &str = "{prefix} {wide_bar} {human_pos}/{human_len} {rate}/s, {eta} left {msg}";

/// How progress is shown, always on standard error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// A bar with rate and remaining time: for terminals.
    Bar,
    /// A plain line every few seconds: for logs.
    Lines,
    /// Nothing: for programs.
    Silent,
}

/// Counts work and shows it.
pub(super) struct Meter {
    progress: Progress,
    done: AtomicU64,
    phase: Mutex<Option<Phase>>,
}

/// One kind of work, from its first piece to its last.
struct Phase {
    name: &'static str,
    total: u64,
    begun: Instant,
    said: Instant,
    bar: Option<ProgressBar>,
    in_trouble: bool,
}

impl Meter {
    pub(super) const fn new(progress: Progress) -> Self {
        Self { progress, done: AtomicU64::new(0), phase: Mutex::new(None) }
    }

    /// Begins with work of which there is so much.
    pub(super) fn begin(&self, name: &'static str, total: u64) {
        let bar = match self.progress {
            Progress::Bar => Some(bar(name, total)),
            Progress::Lines | Progress::Silent => None,
        };
        let now = Instant::now();
        self.done.store(0, Ordering::Relaxed);
        self.with(|phase| *phase = Some(Phase { name, total, begun: now, said: now, bar, in_trouble: false }));
    }

    /// One piece is done.
    pub(super) fn tick(&self) {
        let done = self.done.fetch_add(1, Ordering::Relaxed) + 1;
        if self.progress == Progress::Silent {
            return;
        }
        self.with(|phase| {
            let Some(phase) = phase else { return };
            if let Some(bar) = &phase.bar {
                bar.inc(1);
                if std::mem::take(&mut phase.in_trouble) {
                    bar.set_message("");
                }
            } else if phase.said.elapsed() >= LINE_INTERVAL {
                phase.said = Instant::now();
                say(&line(phase.name, done, phase.total, phase.begun.elapsed()));
            }
        });
    }

    /// Something has to be tried again.
    pub(super) fn trouble(&self, status: &Status) {
        if self.progress == Progress::Silent {
            return;
        }
        let text = format!("trying again: {}", cause(status).replace(char::is_control, " "));
        self.with(|phase| match phase {
            Some(Phase { bar: Some(bar), in_trouble, .. }) => {
                *in_trouble = true;
                bar.set_message(text);
            }
            Some(phase) if phase.said.elapsed() >= LINE_INTERVAL => {
                phase.said = Instant::now();
                say(&text);
            }
            None | Some(_) => {}
        });
    }

    /// The work is done.
    pub(super) fn end(&self) {
        let done = self.done.load(Ordering::Relaxed);
        self.with(|phase| match phase.take() {
            Some(Phase { bar: Some(bar), .. }) => bar.finish_and_clear(),
            Some(phase) if self.progress == Progress::Lines => {
                say(&line(phase.name, done, phase.total, phase.begun.elapsed()));
            }
            None | Some(_) => {}
        });
    }

    fn with(&self, change: impl FnOnce(&mut Option<Phase>)) {
        // A poisoned meter is a meter all the same.
        change(&mut self.phase.lock().unwrap_or_else(std::sync::PoisonError::into_inner));
    }
}

impl Drop for Meter {
    /// A replay that stopped leaves no half-drawn bar behind.
    fn drop(&mut self) {
        self.end();
    }
}

fn bar(name: &'static str, total: u64) -> ProgressBar {
    let bar = ProgressBar::with_draw_target(Some(total), ProgressDrawTarget::stderr());
    // The template is a constant; without it the bar would only be plainer.
    if let Ok(style) = ProgressStyle::with_template(BAR) {
        let rate = |state: &ProgressState, text: &mut dyn fmt::Write| {
            let _ = write!(text, "{:.0}", state.per_sec());
        };
        bar.set_style(style.with_key("rate", rate));
    }
    bar.with_prefix(name)
}

/// `replaying: 12000 of 65533 (18%), 3100/s, 17 s left`.
fn line(name: &str, done: u64, total: u64, elapsed: Duration) -> String {
    #[expect(clippy::cast_precision_loss, reason = "shown with few digits")]
    let rate = done as f64 / elapsed.as_secs_f64().max(0.001);
    #[expect(clippy::cast_precision_loss, reason = "shown with few digits")]
    let left = total.saturating_sub(done) as f64 / rate.max(0.001);
    let percent = (done * 100).checked_div(total).unwrap_or(100);
    let left = if done < total { format!(", {left:.0} s left") } else { String::new() };
    format!("{name}: {done} of {total} ({percent}%), {rate:.0}/s{left}")
}

fn say(text: &str) {
    // Nobody is left to tell when standard error is closed.
    let _ = writeln!(std::io::stderr(), "{text}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_has_rate_and_remaining_time() {
        let text = line("replaying", 12_000, 65_533, Duration::from_secs(4));
        assert_eq!(text, "replaying: 12000 of 65533 (18%), 3000/s, 18 s left");
        assert_eq!(line("checking", 5, 5, Duration::from_secs(1)), "checking: 5 of 5 (100%), 5/s");
    }
}
