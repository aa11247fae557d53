#!/usr/bin/env bash
# Nothing acknowledged is lost: power cuts, failing disks, damaged files, kills, and an order that explains every answer; each with
# its control.
source "$(dirname "$0")/../lib.sh"
cargo build --locked --release -p durability
"$CARGO_TARGET_DIR/release/case-durability" all
