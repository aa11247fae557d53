#!/usr/bin/env bash
# The README's first steps, block by block as they stand, in the clean copy that the release stage has made.
source "$(dirname "$0")/../lib.sh"
need jq
need grpcurl
need_ports 50051 50052 50053
copy=$ci_home/copy
[ -f "$copy/Cargo.toml" ] || fail "run the release stage first"
rm -rf "$copy/data"
cp README.md "$copy/README.md"
cd "$copy"
block() { bash "$root/.ci/readme-block" README.md "$1"; }
work=$ci_home/readme
rm -rf "$work" && mkdir -p "$work"

server=''
trap 'gone "${server:-0}" || kill "$server"' EXIT
# `exec`: the process that we start is the one that we stop (cargo run replaces itself with the program).
bash -c "exec $(block serve)" >"$work/server.log" 2>&1 &
server=$!
ready_or_dead() { gone "$server" || { health 50051 readiness && health 50052 readiness && health 50053 readiness; }; }
await 600 "cargo run --release serves" ready_or_dead
gone "$server" && { cat "$work/server.log"; fail "the server ended"; }
echo "it serves; its first lines:"
head -20 "$work/server.log"

# In this shell, because a later block uses what an earlier one has set.
while IFS= read -r name; do
  block "call $name" >"$work/$name.sh"
  block "answer $name" >"$work/$name.want"
  # shellcheck disable=SC1090 # it comes from the README
  source "$work/$name.sh" >"$work/$name.got"
  jq -e -L "$root/.ci" --slurpfile want "$work/$name.want" 'include "subset"; matches($want[0])' "$work/$name.got" >/dev/null ||
    { cat "$work/$name.got"; fail "README: the answer of '$name' is another one"; }
  echo "ok: $name"
done < <(sed -n 's/^<!-- ci: call \(.*\) -->$/\1/p' README.md)

# The control: a comparison that cannot fail proves nothing.
if jq -e -L "$root/.ci" 'include "subset"; matches({"case": {"caseId": "CASE-002"}})' "$work/create.got" >/dev/null; then
  fail "the control: a wrong answer passes"
fi

# shellcheck disable=SC1091 # it comes from the README
source "$work/create.sh" >"$work/again.got"
jq -e '.replayed and .case.caseId == "CASE-001"' "$work/again.got" >/dev/null || { cat "$work/again.got"; fail "README: the second create is no replay"; }
echo "ok: create, replayed"

block casectl >"$work/casectl.sh"
timeout 600 bash -euo pipefail "$work/casectl.sh" >"$work/casectl.out" 2>&1 || { cat "$work/casectl.out"; fail "README: casectl"; }
grep -q SUBMITTED "$work/casectl.out" || { cat "$work/casectl.out"; fail "README: casectl does not show the move"; }
echo "ok: casectl"

second=0
timeout 120 bash -c "exec $(block serve)" >"$work/second.out" 2>"$work/second.log" || second=$?
[ "$second" -eq 75 ] || { cat "$work/second.log"; fail "README: a second start exits with $second, not with 75"; }
echo "ok: second start"

block 'config' >"$work/config.sh"
timeout 120 bash -euo pipefail "$work/config.sh" >"$work/config.out" 2>&1 || { cat "$work/config.out"; fail "README: config print"; }
echo "ok: config print"

stop "$server" INT 20
[ "$exit_code" -eq 0 ] || { tail -20 "$work/server.log"; fail "Ctrl-C ends it with $exit_code, not with 0"; }
echo "ok: Ctrl-C"
