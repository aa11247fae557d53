#!/usr/bin/env bash
# The release build, in a copy that has only what a commit has: nothing may depend on a file that is not in the repository.
source "$(dirname "$0")/../lib.sh"
copy=$ci_home/copy
rm -rf "$copy" && mkdir -p "$copy"
project_files '*' | tar -cf - --files-from=- | tar -xf - -C "$copy"
cd "$copy"
cargo build --release --locked
# The command line apart, as its users build it.
cargo build --release --locked -p casectl
[ -x "$CARGO_TARGET_DIR/release/case-tracker" ] || fail "the default member is not case-tracker"
