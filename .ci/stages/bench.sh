#!/usr/bin/env bash
# The benchmark works: its subjects run against released programs, briefly, and no call fails. What it finds is not judged here: this machine is
# busy. For the same reason `overload` is left out: on a busy machine its client may not manage to overload anybody, and then it fails, rightly.
source "$(dirname "$0")/../lib.sh"
need jq
cargo build --release --locked -p case-bench -p case-command -p case-query -p case-audit
bench=$CARGO_TARGET_DIR/release/case-bench
work=$ci_home/bench
rm -rf "$work" && mkdir -p "$work"
brief=(--data "$work/data" --repeats 1 --window 1s --warm-up 200ms)
command -v etcd >/dev/null || note "NOT CHECKED: bench: etcd as a rival, which is not installed"

# measure SUBJECT [OPTION…]: measures, and looks into what was written.
measure() {
  "$bench" "$@" "${brief[@]}" --output "$work/$1.json"
  jq -e '.sections | length == 1 and all(.figures | length > 4)' "$work/$1.json" >/dev/null || fail "$1: the figures are missing"
}
measure limits
measure write --picture "$work/write.svg"
grep -q '</svg>' "$work/write.svg" || fail "there is no picture"
measure read --cases 50000
measure visible
measure telemetry --outage 2s
measure scale --cases 50000
measure peers

[ -z "$(ls -A "$work/data")" ] || fail "stores are left behind: $(ls "$work/data")"
# The control: what must not be makes it fail.
if "$bench" limits --programs "$work" "${brief[@]}" 2>"$work/missing"; then fail "the control: it runs without servers"; fi
grep -q 'is not built' "$work/missing" || fail "it does not say what is missing"
note "NOT CHECKED: bench: overload, which needs a quiet machine (case-bench overload)"
echo "ok: every other subject"
