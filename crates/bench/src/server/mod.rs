//! Processes that are measured: started on fresh data, watched from outside, stopped by their own id.

mod cases;
mod collector;
mod echo;
mod etcd;
mod health;
mod process;
mod running;
mod vitals;

pub(crate) use cases::{System, Telemetry};
pub use collector::{Behaviour, serve as serve_collector};
pub(crate) use collector::{Collector, Silence};
pub use echo::serve as serve_echo;
pub(crate) use echo::{Answers, Echo};
pub(crate) use etcd::Etcd;
pub(crate) use health::{Probe, Probed};
pub(crate) use process::{Server, free_address};
pub(crate) use running::end_with_us;
pub(crate) use vitals::MemoryWatch;
