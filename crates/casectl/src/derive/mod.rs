//! Derives a lifecycle from a log.
