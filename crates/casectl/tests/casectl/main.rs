//! The command line, against fake servers and as pure functions.
