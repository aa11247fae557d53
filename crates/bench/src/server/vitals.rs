//! What the operating system says about a process.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use std::{fs, thread};

use super::process::Server;
use crate::error::Error;
use crate::load::count;
use crate::machine::{field, kibibytes};

/// How often memory is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(200);

impl Server {
    /// Bytes of memory that it occupies now; 0 if the operating system does not say.
    pub(crate) fn memory(&self) -> u64 {
        memory_of(self.id())
    }

    /// Time that it has spent on the processors; 0 if the operating system does not say.
    pub(crate) fn processor_time(&self) -> Duration {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.id())).unwrap_or_default();
        ticks(&stat).map_or(Duration::ZERO, |ticks| {
            Duration::from_secs_f64(count(ticks) / count(rustix::param::clock_ticks_per_second()))
        })
    }
}

fn memory_of(process: u32) -> u64 {
    field(&format!("/proc/{process}/status"), "VmRSS").and_then(|text| kibibytes(&text)).unwrap_or(0)
}

/// Looks at the memory of a process while others keep it busy.
#[derive(Debug)]
pub(crate) struct MemoryWatch {
    thread: thread::JoinHandle<u64>,
    done: Arc<AtomicBool>,
}

impl MemoryWatch {
    /// Begins to look.
    pub(crate) fn start(server: &Server) -> Self {
        let (done, process) = (Arc::new(AtomicBool::new(false)), server.id());
        let seen = Arc::clone(&done);
        let thread = thread::spawn(move || {
            let mut most = memory_of(process);
            while !seen.load(Ordering::Relaxed) {
                thread::sleep(LOOK_EVERY);
                most = most.max(memory_of(process));
            }
            most
        });
        Self { thread, done }
    }

    /// The most that was seen, in bytes.
    pub(crate) fn finish(self) -> Result<u64, Error> {
        self.done.store(true, Ordering::Relaxed);
        self.thread.join().map_err(|_| Error::Unmeasurable("a bug: the watch of the memory panicked".to_owned()))
    }
}

/// User and system time of a line of `/proc/PID/stat`, in ticks: the 14th and 15th word, the second being a name in
/// parentheses that may have spaces.
fn ticks(stat: &str) -> Option<u64> {
    let (_, rest) = stat.rsplit_once(')')?;
    let mut words = rest.split_whitespace().skip(11);
    let mut next = || words.next()?.parse::<u64>().ok();
    Some(next()? + next()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn processor_time_is_user_and_system_time_whatever_the_name() {
        let stat = "7 (a (strange) name) S 1 7 7 0 -1 4194560 2000 0 1 0 150 50 0 0 20 0 3 0 100 1000 200";
        assert_eq!(ticks(stat), Some(200));
        assert_eq!(ticks(""), None);
    }
}
