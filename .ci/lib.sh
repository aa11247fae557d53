# What the stages share. Sourced, never run: it changes nothing but the environment.
# shellcheck shell=bash
set -euo pipefail

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
# Everything that the run leaves behind, logs included, is below the target folder: ignored by git, gone with `cargo clean`.
ci_home=$root/target/ci
ready=$ci_home/ready
case_tools=${CASE_TOOLS:-$HOME/.cache/case-tools}
# Helpers of a machine that can reach neither an image registry nor GitHub. Everything works without them where the tools are installed.
shared_tools=$root/../shared/tools
# Real cases, which are not part of the repository.
incident_log=${CASE_INCIDENT_LOG:-$root/../shared/data/incidents.jsonl.gz}
notes=$ci_home/notes
stage=$(basename "${0%.sh}")

# One target folder for all stages: dependencies are compiled once for each profile.
export CARGO_TARGET_DIR=$root/target
export CARGO_TERM_COLOR=never
export CASE_TOOLS=$case_tools
export PATH=$case_tools/bin:$case_tools/cargo/bin:$PATH
exit_skipped=77

mkdir -p "$ci_home" "$ready"
cd "$root"

fail() { printf 'FAILED: %s\n' "$*" >&2; exit 1; }

# Repeated at the end of the run: what was not checked must not look as if it had been.
note() { printf '%s\n' "$*" | tee -a "$notes"; }

skip() { note "STAGE SKIPPED: $stage: $*"; exit "$exit_skipped"; }

# await SECONDS WHAT COMMAND…: until the command succeeds, or fails the stage.
await() {
  local until=$((SECONDS + $1)) what=$2
  shift 2
  until "$@" >/dev/null 2>&1; do
    [ "$SECONDS" -lt "$until" ] || fail "$what: not within the time"
    sleep 0.1
  done
}

# prepared NAME: has .ci/prepare.sh finished this one? Also true where nobody prepares (a stage run on its own).
prepared() { [ -e "$ready/$1" ] || ! kill -0 "$(cat "$ready/pid" 2>/dev/null)" 2>/dev/null; }

# have PROGRAM [SECONDS]: is there a foreign program, which .ci/prepare.sh may still be installing?
have() {
  command -v "$1" >/dev/null && return
  echo "waiting for $1"
  await "${2:-900}" "installing $1 (see $ci_home/prepare/$1.log)" prepared "$1"
  hash -r
  command -v "$1" >/dev/null
}

# need PROGRAM [SECONDS]: skips the stage without it.
need() { have "$@" || skip "$1 is not installed (see target/ci/prepare/$1.log)"; }

# The files of the working tree as a commit would have them, one a line.
project_files() { git ls-files --cached --others --exclude-standard -- "$@" | while IFS= read -r f; do [ -f "$f" ] && printf '%s\n' "$f"; done; }

# Is the port nobody's, neither a listener's nor an outgoing connection's? Ours lie in the range that Linux hands out to the latter.
port_free() {
  local hex
  hex=$(printf '%04X' "$1")
  ! cat /proc/net/tcp /proc/net/tcp6 2>/dev/null | awk -v port=":$hex$" '$2 ~ port && $4 != "06" { used = 1 } END { exit !used }'
}

# Fails with the port's name instead of a riddle when another program has it and keeps it.
need_ports() { local port; for port in "$@"; do await 60 "port $port is in use: stop what has it" port_free "$port"; done; }

gone() { ! kill -0 "$1" 2>/dev/null; }

# stop PID SIGNAL SECONDS: ends one process of ours, waits, and leaves its exit code in $exit_code.
stop() {
  kill -s "$2" "$1"
  local until=$((SECONDS + $3))
  until gone "$1"; do
    [ "$SECONDS" -lt "$until" ] || { kill -s KILL "$1"; fail "process $1 did not end within $3 s of SIG$2"; }
    sleep 0.1
  done
  exit_code=0
  wait "$1" || exit_code=$?
}

# health PORT NAME: does the standard health protocol answer SERVING?
health() { [ "$(grpcurl -plaintext -max-time 2 -d "{\"service\":\"$2\"}" "127.0.0.1:$1" grpc.health.v1.Health/Check 2>/dev/null | jq -r .status)" = SERVING ]; }
