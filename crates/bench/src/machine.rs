//! The machine: what it is, and which of its cores do what.

use std::fs;
use std::path::Path;
use std::thread;

use serde::Serialize;

use crate::error::Error;
use crate::load::Place;

/// What a figure depends on besides the program. "unknown" where the operating system does not say.
#[derive(Debug, Clone, Serialize)]
pub struct Machine {
    /// Cores that this process may use.
    pub cores: usize,
    /// The model of the processor.
    pub processor: String,
    /// Bytes of memory.
    pub memory_bytes: u64,
    /// The kernel's name and release.
    pub kernel: String,
    /// The file system of the data folder, and what it lies on.
    pub disk: String,
}

impl Machine {
    /// Looks at this machine, and at the disk of `data`.
    pub fn of(data: &Path) -> Self {
        Self {
            cores: available_cores(),
            processor: field("/proc/cpuinfo", "model name").unwrap_or_else(unknown),
            memory_bytes: field("/proc/meminfo", "MemTotal").and_then(|text| kibibytes(&text)).unwrap_or(0),
            kernel: read("/proc/sys/kernel/osrelease").map_or_else(unknown, |release| format!("Linux {release}")),
            disk: format!("{}, {}", file_system(data).unwrap_or_else(unknown), device(data).unwrap_or_else(unknown)),
        }
    }

    /// One line for people.
    pub fn line(&self) -> String {
        let Self { cores, processor, memory_bytes, kernel, disk } = self;
        format!("{cores} cores of {processor}, {} GiB, {kernel}, {disk}", memory_bytes >> 30)
    }
}

/// How many cores this process may use.
pub(crate) fn available_cores() -> usize {
    thread::available_parallelism().map_or(1, std::num::NonZeroUsize::get)
}

/// Some of the machine's cores, by number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Cores(pub(crate) Vec<usize>);

impl Cores {
    /// The servers' cores and the client's: the client has the last one. Nothing to share out on a single core, or where
    /// the operating system lets nobody choose.
    pub(crate) fn apart(total: usize) -> Option<(Self, Self)> {
        let last = total.checked_sub(1).filter(|last| *last > 0 && cfg!(target_os = "linux"))?;
        Some((Self((0..last).collect()), Self(vec![last])))
    }

    /// Keeps this thread, and every process that it starts, to these cores.
    #[cfg(target_os = "linux")]
    pub(crate) fn keep(&self) -> Result<(), Error> {
        use rustix::thread::{CpuSet, sched_setaffinity};
        let mut set = CpuSet::new();
        self.0.iter().for_each(|core| set.set(*core));
        sched_setaffinity(None, &set)
            .map_err(|error| Error::system(format!("keep to the cores {:?}", self.0))(error.into()))
    }

    /// There are no such cores here: [`Cores::apart`] makes none.
    #[cfg(not(target_os = "linux"))]
    #[expect(clippy::unused_self, clippy::unnecessary_wraps, reason = "the shape of the one for Linux")]
    pub(crate) fn keep(&self) -> Result<(), Error> {
        Ok(())
    }
}

/// Sleeps of this thread would end up to 50 µs late. Where that cannot be changed, open loops are that much too late.
pub(crate) fn sleep_precisely() {
    #[cfg(target_os = "linux")]
    let _ = rustix::thread::set_current_timer_slack(std::num::NonZeroU64::new(1));
}

impl Place {
    /// Keeps this thread to the place's cores.
    pub(crate) fn keep_to_cores(&self) -> Result<(), Error> {
        self.cores.as_ref().map_or(Ok(()), Cores::keep)
    }
}

fn unknown() -> String {
    "unknown".to_owned()
}

fn read(path: &str) -> Option<String> {
    fs::read_to_string(path).ok().map(|text| text.trim().to_owned())
}

/// The value of the first line `key: value` of a file.
pub(crate) fn field(path: &str, key: &str) -> Option<String> {
    let text = fs::read_to_string(path).ok()?;
    let line = text.lines().find(|line| line.split(':').next().is_some_and(|name| name.trim() == key))?;
    line.split_once(':').map(|(_, value)| value.trim().to_owned())
}

/// Bytes of a text such as `24576 kB`.
pub(crate) fn kibibytes(text: &str) -> Option<u64> {
    text.strip_suffix("kB")?.trim().parse::<u64>().ok().map(|kibibytes| kibibytes * 1_024)
}

/// The type of the file system that holds a path: the longest mount point above it.
fn file_system(path: &Path) -> Option<String> {
    let path = path.canonicalize().ok()?;
    let mounts = fs::read_to_string("/proc/self/mounts").ok()?;
    let above = mounts.lines().filter_map(|line| {
        let mut words = line.split(' ').skip(1);
        Some((words.next()?, words.next()?)).filter(|(mount, _)| path.starts_with(mount))
    });
    above.max_by_key(|(mount, _)| mount.len()).map(|(_, kind)| kind.to_owned())
}

/// The block device below a path, and whether it turns.
#[cfg(not(target_os = "linux"))]
fn device(_: &Path) -> Option<String> {
    None
}

/// The block device below a path, and whether it turns.
#[cfg(target_os = "linux")]
fn device(path: &Path) -> Option<String> {
    let number = std::os::unix::fs::MetadataExt::dev(&fs::metadata(path).ok()?);
    let (major, minor) = (rustix::fs::major(number), rustix::fs::minor(number));
    let device = Path::new("/sys/dev/block").join(format!("{major}:{minor}")).canonicalize().ok()?;
    let queue = |folder: &Path| read(&folder.join("queue/rotational").to_string_lossy());
    // A partition has no queue of its own.
    let rotational = queue(&device).or_else(|| queue(device.parent()?))?;
    let name = device.file_name()?.to_string_lossy().into_owned();
    Some(format!(
        "{name} ({})",
        if rotational == "0" { "solid, as the kernel has it" } else { "rotational, as the kernel has it" }
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(target_os = "linux")]
    #[test]
    fn server_and_client_never_share_a_core() {
        assert_eq!(Cores::apart(1), None, "one core cannot be shared out");
        assert_eq!(Cores::apart(4), Some((Cores(vec![0, 1, 2]), Cores(vec![3]))));
    }

    #[test]
    fn memory_is_read_in_bytes() {
        assert_eq!(kibibytes("24 kB"), Some(24_576));
        assert_eq!(kibibytes("24"), None);
    }
}
