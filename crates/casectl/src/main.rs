//! `casectl`: the command line of the case tracker.

fn main() {}
