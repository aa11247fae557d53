//! A disk under SQLite that writes down what is written and synced, fails on demand, and shows what a power cut would
//! leave.
//!
//! [`install`] puts it between SQLite and the file system for the whole process, as the default: a program under test runs
//! unchanged. From [`Disk::start`] to [`Disk::stop`] every write, truncation, sync and deletion of a database or a write-ahead
//! log is recorded with its bytes. [`Recording::crashes`] then makes the files that a power cut at some moment would leave:
//! everything that was synced before, and of the rest any part, torn at sectors.
//!
//! What it takes for granted is what SQLite itself does on such a disk: a sync that has returned holds, and a write touches
//! no bytes but its own (`SQLITE_IOCAP_POWERSAFE_OVERWRITE`).
//!
//! For tests and benchmarks only; no service knows it.

mod crash;
mod disk;
mod ffi;
mod recording;

pub use crash::{Crashes, Image, SECTOR_BYTES};
pub use disk::{Disk, Fault, FaultKind, install};
pub use recording::{Operation, Recording};
