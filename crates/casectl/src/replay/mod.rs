//! Drives the commands from a log.
