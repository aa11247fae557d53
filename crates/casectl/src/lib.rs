//! The command line of the case tracker.

pub mod derive;
pub mod log;
pub mod replay;
