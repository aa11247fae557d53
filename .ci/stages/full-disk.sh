#!/usr/bin/env bash
# A disk that fills up under a running service, for real: on a file system of 4 MB that only this stage sees.
source "$(dirname "$0")/../lib.sh"
need unshare
need mount

test=on_a_full_disk_commands_are_refused_reads_of_the_feed_go_on_and_room_ends_it
# Who is not root is root in a namespace of its own, where the machine allows that.
own=(unshare --mount)
[ "$(id -u)" -eq 0 ] || own=(unshare --user --map-root-user --mount)
"${own[@]}" true 2>/dev/null || skip "this machine lets nobody mount a file system of their own"

cargo build --quiet --package case-command --bins
cargo test --quiet --package case-tracker --no-run
disk=$ci_home/full-disk
mkdir -p "$disk"
# shellcheck disable=SC2016 # expanded inside
CASE_TRACKER_TEST_SMALL_DISK=$disk TEST=$test "${own[@]}" bash -euo pipefail -c '
  mount -t tmpfs -o size=4m tmpfs "$CASE_TRACKER_TEST_SMALL_DISK"
  cargo test --quiet --package case-tracker --test case_tracker -- --ignored --exact "degraded::$TEST"' | tee "$ci_home/full-disk.log"
# A filter that finds nothing passes, too.
grep -q '1 passed' "$ci_home/full-disk.log" || fail "the test was not run"
