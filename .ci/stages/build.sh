#!/usr/bin/env bash
# Every crate compiles from the committed lock file.
source "$(dirname "$0")/../lib.sh"
cargo build --workspace --locked
