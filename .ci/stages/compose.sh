#!/usr/bin/env bash
# The image and the Compose file for real: healthy, contained, one trace across the services in Jaeger, clean ends.
source "$(dirname "$0")/../lib.sh"
source "$root/.ci/calls.sh"
need jq
need curl
need grpcurl
engine_ready() { docker info >/dev/null 2>&1 && docker compose version >/dev/null 2>&1; }
await 600 "preparing a container engine" prepared engine
engine_ready || skip "no container engine (see target/ci/prepare/engine.log)"
await 1700 "preparing images" prepared images

# A project of its own: the volumes of a system that somebody tries out here stay as they are.
export COMPOSE_PROJECT_NAME=case-tracker-ci
CASE_TRACKER_BUILD_SHA=$(git rev-parse --verify --quiet HEAD || echo unknown)
export CASE_TRACKER_BUILD_SHA
work=$ci_home/compose
rm -rf "$work" && mkdir -p "$work"
ours=(command query audit)
jaeger=http://127.0.0.1:16686
clean_up() {
  local code=$?
  if [ "$code" -ne 0 ]; then
    docker compose ps --all
    docker compose logs --tail 30
  fi >&2 || true
  docker compose down --volumes --timeout 20 >"$work/down.log" 2>&1 || true
}

contained() {
  docker compose config --format json >"$work/config.json"
  jq -er '.services | to_entries[] | .key as $name | .value |
    if .read_only and .cap_drop == ["ALL"] and (.security_opt | index("no-new-privileges:true")) and .mem_limit and .cpus and .user
      and (.user | startswith("0") | not) and (.image | test(":[^:/]+$")) and (.image | endswith(":latest") | not)
      and all(.ports[]?; .host_ip == "127.0.0.1") and (.privileged | not)
    then "contained: \($name)" else error("not contained: \($name)") end' "$work/config.json"
}

# Running, and healthy wherever there is a health check; only the collector has none.
up() {
  docker compose ps --format json | jq -s '[.[]] | flatten' >"$work/ps.json"
  jq -e 'length == 5 and all(.[]; .State == "running" and .Health == (if .Service == "otel-collector" then "" else "healthy" end))' "$work/ps.json"
}

trace=$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n') parent=00f067aa0ba902b7
title_canary=titlecanary$RANDOM$RANDOM reason_canary=reasoncanary$RANDOM$RANDOM
drive() {
  call 50051 $commands/CreateCase "$(jq -nc --arg t "$title_canary" '{case: {title: $t, description: $t}}')"
  expect "create" $ok '.case.status == "DRAFT"'
  case_id=$(field .case.caseId)
  call 50051 $commands/TransitionCase "$(jq -nc --arg id "$case_id" --arg r "$reason_canary" '{case_id: $id, to_status: "SUBMITTED", reason: $r}')" \
    -H "traceparent: 00-$trace-$parent-01" -H 'x-request-id: compose-stage'
  expect "move" $ok '.case.status == "SUBMITTED"'
  call 50052 $queries/GetCase "$(jq -nc --arg id "$case_id" --arg t "$(field .consistencyToken)" '{case_id: $id, consistency: {at_least_as_fresh: [$t]}}')"
  expect "read; the canary is in the case" $ok '.case.status == "SUBMITTED" and .case.title == $canary' --arg canary "$title_canary"
}

recorded() {
  call 50053 $audits/ListAuditEvents "$(jq -nc --arg id "$case_id" '{filter: {case_id: $id}}')"
  [ "$code" -eq 0 ] && [ "$(field '.auditEvents | length')" -eq 2 ]
}

# Spans arrive one batch after the other, so the trace is asked for until nothing is missing in it.
whole_trace() {
  curl -sf --max-time 5 "$jaeger/api/traces/$trace" >"$work/trace.json" &&
    jq -r --arg trace "$trace" --arg parent "$parent" -f .ci/trace.jq "$work/trace.json" >"$work/trace.missing"
  [ -s "$work/trace.json" ] && [ ! -s "$work/trace.missing" ] && jq -e '.data | length == 1' "$work/trace.json"
}
journey() {
  local until_seconds=$((SECONDS + 60))
  until whole_trace >/dev/null 2>&1; do
    [ "$SECONDS" -lt "$until_seconds" ] || { cat "$work/trace.missing" >&2; cat "$work/trace.json" >&2; fail "one trace of the journey"; }
    sleep 0.5
  done
  jq -r '.data[0] | .processes as $p | .spans[] | "  \($p[.processID].serviceName): \(.operationName)"' "$work/trace.json" | sort
  echo "ok: one trace, one root, the caller's span above it"
}

# No case text in the trace or in a log; the control is that each of them is about this case's move at all.
silent() {
  local word
  docker compose logs --no-color --no-log-prefix "${ours[@]}" >"$work/services.log" 2>&1
  grep -q TransitionCase "$work/trace.json" || fail "the control: the trace is not about the move"
  for word in "$case_id" compose-stage; do
    grep -q -- "$word" "$work/services.log" || fail "the control: no '$word' in the logs"
  done
  curl -sf --max-time 10 "$jaeger/api/traces?service=case-command&limit=100" >"$work/traces.json"
  jq -e '.data | length > 0' "$work/traces.json" >/dev/null || fail "the control: Jaeger knows no trace of case-command"
  if grep -lE "$title_canary|$reason_canary" "$work/trace.json" "$work/traces.json" "$work/services.log"; then fail "case text in telemetry"; fi
  jq -es 'all(.[]; type == "object")' "$work/services.log" >/dev/null || fail "a log line that is not a JSON object"
  echo "ok: no case text in traces and logs; each log line is one JSON object"
}

stopped() {
  docker compose stop
  docker compose ps --all --format json | jq -s '[.[]] | flatten' >"$work/stopped.json"
  jq -er '.[] | if .State == "exited" and .ExitCode == 0 then "stopped: \(.Service), exit code 0"
    else error("\(.Service): \(.State), exit code \(.ExitCode)") end' "$work/stopped.json"
}

contained
need_ports 50051 50052 50053 16686
trap clean_up EXIT
block=$(bash .ci/readme-block README.md compose)
echo "+ $block"
# An outgoing connection may get one of the ports between two looks at them, and lets go of it soon.
for attempt in 1 2 3; do
  if timeout 1500 bash -euo pipefail -c "$block" >"$work/up.log" 2>&1; then break; fi
  if [ "$attempt" -eq 3 ] || ! grep -q 'address already in use' "$work/up.log"; then tail -50 "$work/up.log"; fail "$block"; fi
  echo "a port was taken: once more"
  docker compose down --volumes --timeout 20 >>"$work/down.log" 2>&1
  need_ports 50051 50052 50053 16686
done
up >/dev/null || { cat "$work/ps.json"; fail "not everything is healthy"; }
drive
await 15 "the audit records" recorded
journey
silent
up >/dev/null || { cat "$work/ps.json"; fail "no longer healthy"; }
docker compose restart "${ours[@]}" >"$work/restart.log" 2>&1
docker compose up --wait --wait-timeout 60 >>"$work/restart.log" 2>&1 || fail "not healthy after a restart"
call 50052 $queries/GetCase "$(jq -nc --arg id "$case_id" '{case_id: $id}')"
expect "the case is there after a restart" $ok '.case.status == "SUBMITTED" and .case.version == "2"'
stopped
docker image inspect case-tracker:local --format 'image: {{.Size}} bytes'
