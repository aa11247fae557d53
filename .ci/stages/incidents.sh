#!/usr/bin/env bash
# Seven thousand real cases through the released programs: derived lifecycle, replay, the truth to the digit; and how long it takes.
source "$(dirname "$0")/../lib.sh"
source "$root/.ci/system.sh"
need jq
[ -f "$incident_log" ] || skip "there is no incident log at $incident_log"
truth=$(dirname "$incident_log")/incidents.truth.json
casectl=${CI_CASECTL:-$CARGO_TARGET_DIR/release/casectl}
[ -x "$casectl" ] || fail "run the release stage first"
work=$ci_home/incidents
rm -rf "$work" && mkdir -p "$work"

"$casectl" lifecycle derive "$incident_log" >"$work/lifecycle.toml"
"$casectl" lifecycle check "$work/lifecycle.toml"
CASE_TRACKER__LIFECYCLE__PATH=$work/lifecycle.toml start_system "$work/system" 23051 23052 23053
export CASECTL_COMMAND=127.0.0.1:23051 CASECTL_QUERY=127.0.0.1:23052 CASECTL_AUDIT=127.0.0.1:23053 CASECTL_ACTOR=replayer
"$casectl" replay --timelines --output json "$incident_log" >"$work/summary.json"

# agrees SUMMARY TRUTH: does a replay's summary say what the truth says?
agrees() {
  jq -en --slurpfile s "$1" --slurpfile t "$2" '$s[0] as $s | $t[0] as $t
    | $s.agrees and $s.audit_contiguous and $s.versions == $s.audit_events and $s.cases == $t.cases
    and $s.initial == $t.initial and $s.final == $t.final and ($s.pairs | sort) == ($t.pairs | sort)
    and ($t.replay | to_entries | all(.value == $s.replay[.key]))' >/dev/null
}
agrees "$work/summary.json" "$truth" || { jq . "$work/summary.json" >&2; fail "the replay is not what the truth says"; }
jq '.cases += 1' "$truth" >"$work/lie.json"
if agrees "$work/summary.json" "$work/lie.json"; then fail "the control: a wrong truth passes"; fi
jq -r '"ok: \(.cases) cases, \(.commands) commands in \(.duration_s | floor) s: \(.commands_per_s | floor) a second; read back in \(.check_duration_s | floor) s"' "$work/summary.json"

# The same log again: everything is answered from its keys, and nothing changes.
"$casectl" replay --output json "$incident_log" >"$work/again.json"
agrees "$work/again.json" "$truth" || fail "the second replay differs"
jq -e '.replay.replayed == .commands' "$work/again.json" >/dev/null || fail "the second replay changed something"
echo "ok: the second replay changed nothing"
"$casectl" list --page-size 5
"$casectl" timeline CASE-001 | tail -n 5
grep VmHWM "/proc/$server/status"
stop_system
