#!/usr/bin/env bash
# Nothing acknowledged is lost, and nothing malformed does harm: power cuts, failing disks, damaged files, an order that explains every
# answer, kills, hostile input; each with its control. Fewer kills and inputs than docs/durability.md has: this machine is busy.
source "$(dirname "$0")/../lib.sh"
cargo build --locked --release -p durability -p case-command -p case-query -p case-audit
"$CARGO_TARGET_DIR/release/case-durability" all --kills 20 --inputs 100000
note "NOT CHECKED: durability: 200 kills of each service and 1,000,000 malformed inputs, of which this stage tries a tenth (case-durability all)"
