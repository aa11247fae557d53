//! The way of lines to standard output, on which nobody who logs waits for whoever reads them.
//!
//! Lines are appended to one bounded buffer, and a thread of its own writes what has gathered: at once when it had nothing to
//! do, and otherwise at most every [`LINGER`], so that under load neither a write nor a wake-up is paid for each line. When
//! the buffer is full, because nobody reads, lines are dropped, counted, and told of as soon as there is room again.

use std::io::{self, Write};
use std::mem;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use tracing::Level;

use super::Sink;
use super::losses::{Cause, Losses};

/// How many bytes wait at most. As many again may be in the hands of the writer.
const WAITING_BYTES_MAX: usize = 1 << 20;

/// What does not linger any longer: a lull of the writer must not fill the buffer.
const HURRY_BYTES: usize = WAITING_BYTES_MAX / 2;

/// How long lines gather after a write, unless one is a warning or worse. Some hundred lines under load: 200 writes a second
/// instead of tens of thousands, most of them of less than what a pipe holds.
const LINGER: Duration = Duration::from_millis(5);

/// The pause before another attempt at an output that takes nothing now, and was set by somebody not to block.
const FULL_PAUSE: Duration = Duration::from_millis(10);

/// A bounded buffer and the thread that empties it. Clones share it; the thread ends with the process.
#[derive(Clone)]
pub(super) struct Outlet {
    shared: Arc<Shared>,
}

struct Shared {
    state: Mutex<State>,
    /// On it the writer waits for lines.
    lines: Condvar,
    /// On it flushes wait for the writer.
    progress: Condvar,
    losses: Losses,
}

struct State {
    gathered: Vec<u8>,
    /// Somebody wants what has gathered to be written now.
    urgent: bool,
    /// Lines that were ever taken in, and how many of them are written or, where the output refused them, lost.
    accepted: u64,
    settled: u64,
    writer: Writer,
}

/// What the writer does.
#[derive(Clone, Copy)]
enum Writer {
    /// It waits for a line.
    Idle,
    /// It lets lines gather.
    Lingering,
    /// It was woken, or writes a batch since then: it will look again by itself.
    Awake { since: Instant },
}

/// What has gathered, in the hands of the writer.
#[derive(Default)]
struct Batch {
    bytes: Vec<u8>,
    /// [`State::accepted`] when it was taken.
    upto: u64,
}

impl Outlet {
    /// Starts the thread that writes to `output`. `tell` is called on it for losses, once there is room to tell of them.
    pub(super) fn start(
        output: impl Write + Send + 'static,
        tell: impl Fn(&Losses) + Send + 'static,
    ) -> io::Result<Self> {
        let state = State { gathered: Vec::new(), urgent: false, accepted: 0, settled: 0, writer: Writer::Idle };
        let (lines, progress) = (Condvar::new(), Condvar::new());
        let shared = Arc::new(Shared { state: Mutex::new(state), lines, progress, losses: Losses::default() });
        let outlet = Self { shared: Arc::clone(&shared) };
        thread::Builder::new().name("log".to_owned()).spawn(move || shared.write_for_ever(output, tell))?;
        Ok(outlet)
    }

    /// What was lost so far.
    pub(super) fn losses(&self) -> &Losses {
        &self.shared.losses
    }

    /// Waits until everything that was logged before is written. False if that was not so within `bound`, or if the output
    /// has taken nothing for as long already: nobody waits for a reader that is stuck.
    pub(super) fn flush(&self, bound: Duration) -> bool {
        let deadline = Instant::now() + bound;
        // Twice, since writing may bring a line about losses.
        self.shared.settle_all(deadline, bound) && self.shared.settle_all(deadline, bound)
    }
}

impl Sink for Outlet {
    fn write_line(&self, level: Level, line: &[u8]) {
        let mut state = self.shared.lock();
        if state.gathered.len() + line.len() > WAITING_BYTES_MAX {
            drop(state);
            self.shared.losses.add(Cause::BufferFull, 1);
            return;
        }
        state.gathered.extend_from_slice(line);
        state.accepted += 1;
        state.urgent |= level <= Level::WARN;
        if state.wakes_writer() {
            drop(state);
            self.shared.lines.notify_one();
        }
    }
}

impl State {
    /// Whether the writer has to be woken; if so, it counts as awake.
    fn wakes_writer(&mut self) -> bool {
        let wakes = match self.writer {
            Writer::Idle => true,
            Writer::Lingering => self.is_pressing(),
            Writer::Awake { .. } => false,
        };
        if wakes {
            self.writer = Writer::Awake { since: Instant::now() };
        }
        wakes
    }

    fn is_pressing(&self) -> bool {
        self.urgent || self.gathered.len() >= HURRY_BYTES
    }
}

impl Shared {
    fn write_for_ever(&self, mut output: impl Write, tell: impl Fn(&Losses)) {
        let mut batch = Batch::default();
        let mut state = Output::Whole;
        loop {
            self.take(&mut batch);
            // Here, since what is lost when the buffer is full is missing between this batch and the next lines.
            if state.is_well() {
                tell(&self.losses);
            }
            let was_well = state.is_well();
            state = self.write(&mut output, state, &batch.bytes);
            if !was_well && state.is_well() {
                tell(&self.losses);
            }
            self.settle(batch.upto);
            self.linger();
        }
    }

    /// Waits for lines, and exchanges them for the emptied batch.
    fn take(&self, batch: &mut Batch) {
        batch.bytes.clear();
        let mut state = self.lock();
        while state.gathered.is_empty() {
            state.writer = Writer::Idle;
            state = self.lines.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        state.writer = Writer::Awake { since: Instant::now() };
        state.urgent = false;
        mem::swap(&mut batch.bytes, &mut state.gathered);
        batch.upto = state.accepted;
    }

    /// Writes a batch, or as much of it as the output takes; the rest is lost.
    fn write(&self, output: &mut impl Write, state: Output, lines: &[u8]) -> Output {
        if state == Output::Torn && write_all(output, b"\n").is_err() {
            self.losses.add(Cause::WriteFailed, count(lines));
            return Output::Torn;
        }
        match write_all(output, lines) {
            Ok(()) => Output::Whole,
            Err(rest) => {
                self.losses.add(Cause::WriteFailed, count(rest));
                let is_whole = rest.len() == lines.len() || lines[..lines.len() - rest.len()].ends_with(b"\n");
                if is_whole { Output::Refusing } else { Output::Torn }
            }
        }
    }

    fn settle(&self, upto: u64) {
        self.lock().settled = upto;
        self.progress.notify_all();
    }

    fn linger(&self) {
        let mut state = self.lock();
        state.writer = Writer::Lingering;
        let waited = self.lines.wait_timeout_while(state, LINGER, |state| !state.is_pressing());
        let (mut state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        state.writer = Writer::Awake { since: Instant::now() };
    }

    fn settle_all(&self, deadline: Instant, bound: Duration) -> bool {
        let mut state = self.lock();
        let target = state.accepted;
        while state.settled < target {
            state.urgent = true;
            if state.wakes_writer() {
                self.lines.notify_one();
            }
            let deadline = match state.writer {
                Writer::Awake { since } => deadline.min(since + bound),
                Writer::Idle | Writer::Lingering => deadline,
            };
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            (state, _) = self.progress.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner);
        }
        true
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What the output did last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Output {
    /// It took everything.
    Whole,
    /// It refused, between two lines.
    Refusing,
    /// It refused in the middle of a line: the next one needs a line break before it.
    Torn,
}

impl Output {
    const fn is_well(self) -> bool {
        matches!(self, Self::Whole)
    }
}

/// Writes everything; the error is what was not taken.
fn write_all<'a>(output: &mut impl Write, bytes: &'a [u8]) -> Result<(), &'a [u8]> {
    let mut rest = bytes;
    while !rest.is_empty() {
        match output.write(rest) {
            Ok(0) => return Err(rest),
            Ok(written) => rest = &rest[written..],
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => thread::sleep(FULL_PAUSE),
            Err(_) => return Err(rest),
        }
    }
    Ok(())
}

/// How many lines these are, a torn one included.
fn count(lines: &[u8]) -> u64 {
    lines.iter().map(|byte| u64::from(*byte == b'\n')).sum()
}
