#!/usr/bin/env bash
# No lint of the workspace fires, tests included; this also bounds functions to 70 lines (clippy.toml).
source "$(dirname "$0")/../lib.sh"
cargo clippy --workspace --all-targets --locked -- -D warnings
