//! Reads logs of cases.
