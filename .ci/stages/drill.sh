#!/usr/bin/env bash
# The API from outside: the released program and grpcurl, before and after a restart.
source "$(dirname "$0")/../lib.sh"
source "$root/.ci/calls.sh"
need jq
need grpcurl
program=$CARGO_TARGET_DIR/release/case-tracker
[ -x "$program" ] || fail "run the release stage first"

command_port=21051 query_port=21052 audit_port=21053
need_ports $command_port $query_port $audit_port
export CASE_TRACKER__COMMAND__LISTEN=127.0.0.1:$command_port CASE_TRACKER__QUERY__LISTEN=127.0.0.1:$query_port \
  CASE_TRACKER__AUDIT__LISTEN=127.0.0.1:$audit_port CASE_TRACKER__QUERY__FEED_URL=http://127.0.0.1:$command_port \
  CASE_TRACKER__AUDIT__FEED_URL=http://127.0.0.1:$command_port CASE_TRACKER__LOG__FORMAT=json
work=$ci_home/drill
rm -rf "$work" && mkdir -p "$work"
server=''
trap 'gone "${server:-0}" || kill "$server"' EXIT

serving() { health $command_port readiness && health $query_port readiness && health $audit_port readiness; }
start() {
  local began=${EPOCHREALTIME/./}
  "$program" --data-dir "$work/data" >>"$work/server.log" 2>&1 &
  server=$!
  await 10 "the program serves" serving
  echo "serving after $(((${EPOCHREALTIME/./} - began) / 1000)) ms"
}
create() { call $command_port $commands/CreateCase "$@"; }
move() { call $command_port $commands/TransitionCase "$@"; }
body() { jq -nc "$@"; }

# What both rounds check, with keys of their own: round NUMBER. Leaves the case in $case_id.
round() {
  local n=$1 first token
  create "$(body --arg k "create-$n" '{case: {title: "Water damage, unit 4", priority: "PRIORITY_HIGH", reporter: "budi", tags: ["water"]}, idempotency_key: $k}')"
  expect "create" $ok '.case.version == "1" and .case.status == "DRAFT" and .case.statusCategory == "STATUS_CATEGORY_OPEN"
    and .case.allowedTransitions == [{toStatus: "SUBMITTED"}, {toStatus: "CANCELLED", requiresReason: true}]
    and (.replayed | not) and (.consistencyToken | length > 0)'
  case_id=$(field .case.caseId) first=$answer

  replay_of_create "$n" "$first"
  create "$(body --arg k "create-$n" '{case: {title: "Another case"}, idempotency_key: $k}')"
  refused "the key reused" $invalid_argument IDEMPOTENCY_KEY_REUSED true
  create '{"case":{"title":"","reporter":"'"$(printf 'r%.0s' {1..129})"'"}}'
  refused "two invalid fields at once" $invalid_argument VALIDATION_FAILED '(fields | sort) == ["case.reporter", "case.title"]'

  move "$(body --arg id "$case_id" --arg k "move-$n" '{case_id: $id, to_status: "SUBMITTED", expected_version: 1, idempotency_key: $k}')" \
    -H "x-request-id: drill-move-$n" -H "traceparent: 00-$(trace_id "$n")-00f067aa0ba902b7-01"
  expect "submit with expected_version" $ok '.case.version == "2" and .case.status == "SUBMITTED"'
  token=$(field .consistencyToken)
  call $query_port $queries/GetCase "$(body --arg id "$case_id" --arg t "$token" '{case_id: $id, consistency: {at_least_as_fresh: [$t]}}')"
  expect "read your write" $ok '.case.version == "2" and .case.status == "SUBMITTED" and (.asOf | length > 0)'
  refusals
  dry_run "$token"
  evidence "$n"
}

trace_id() { printf '4bf92f3577b34da6a3ce929d0e0e47%02d' "$1"; }

# replay_of_create ROUND ANSWER: the case as it was then, marked as replayed.
replay_of_create() {
  create "$(body --arg k "create-$1" '{case: {title: "Water damage, unit 4", priority: "PRIORITY_HIGH", reporter: "budi", tags: ["water"]}, idempotency_key: $k}')"
  expect "create of round $1, replayed" $ok '.replayed and .case == $first.case' --argjson first "$2"
}

refusals() {
  local id=$case_id
  move "$(body --arg id "$id" '{case_id: $id, to_status: "IN_REVIEW", expected_version: 1}')" -H 'x-request-id: drill-stale'
  refused "a stale version" $aborted CASE_VERSION_MISMATCH 'info.metadata.expected == "1" and info.metadata.current == "2"
    and (detail("ResourceInfo").resourceName | contains($id)) and detail("RequestInfo").requestId == "drill-stale"' --arg id "$id"
  move "$(body --arg id "$id" '{case_id: $id, to_status: "CLOSED", reason: "done"}')"
  refused "a transition without an edge" $failed_precondition TRANSITION_NOT_ALLOWED 'info.metadata.from == "SUBMITTED" and info.metadata.to == "CLOSED"
    and (info.metadata.allowed | contains("IN_REVIEW") and contains("CANCELLED")) and (detail("PreconditionFailure").violations | length == 1)'
  move "$(body --arg id "$id" '{case_id: $id, to_status: "NO_SUCH_STATUS"}')"
  refused "an unknown status" $invalid_argument VALIDATION_FAILED 'fields == ["to_status"]'
  move "$(body --arg id "$id" '{case_id: $id, to_status: "CANCELLED"}')"
  refused "a missing reason" $failed_precondition TRANSITION_REQUIREMENT_NOT_MET 'detail("PreconditionFailure").violations | length == 1'
  move '{"case_id":"CASE-999999","to_status":"SUBMITTED"}'
  refused "an unknown case" $not_found CASE_NOT_FOUND 'detail("ResourceInfo").resourceName | contains("CASE-999999")'
  call $query_port $queries/GetCase '{"case_id":"CASE-999999"}'
  refused "an unknown case, read" $not_found CASE_NOT_FOUND true
  actor='' move "$(body --arg id "$id" '{case_id: $id, to_status: "IN_REVIEW"}')"
  refused "nobody" $unauthenticated CREDENTIALS_MISSING true
}

# dry_run TOKEN: validate_only answers as if, and changes nothing.
dry_run() {
  create '{"case":{"title":"Only asking"},"validate_only":true}'
  expect "create, validate_only" $ok '.case.status == "DRAFT" and (.case.caseId // "") == ""'
  move "$(body --arg id "$case_id" '{case_id: $id, to_status: "IN_REVIEW", validate_only: true}')"
  expect "move, validate_only" $ok '.case.status == "IN_REVIEW" and .case.version == "3"'
  call $query_port $queries/GetCase "$(body --arg id "$case_id" --arg t "$1" '{case_id: $id, consistency: {at_least_as_fresh: [$t]}}')"
  expect "nothing has changed" $ok '.case.version == "2" and .case.status == "SUBMITTED"'
}

# The audit log follows by itself: asked until it has both records of the case.
recorded() {
  call $audit_port $audits/ListAuditEvents "$(body --arg id "$case_id" '{filter: {case_id: $id}}')"
  [ "$code" -eq 0 ] && [ "$(field '.auditEvents | length')" -ge 2 ]
}
evidence() {
  await 10 "the audit records of $case_id" recorded
  expect "audit records" $ok '(.auditEvents | length == 2)
    and (.auditEvents[0] | .action == "case_created" and .actorId == "amira" and (.requestId | length > 0) and (.traceId | length == 32))
    and (.auditEvents[1] | .action == "case_transitioned" and .actorId == "amira" and .requestId == $request and .traceId == $trace
      and .outcome == "OUTCOME_ACCEPTED" and (.time | length > 0)
      and any(.changes[]; .field == "status" and .from == "DRAFT" and .to == "SUBMITTED"))' \
    --arg request "drill-move-$1" --arg trace "$(trace_id "$1")"
}

# A second start on the same data: one line, 75, and the first one goes on.
second_start() {
  local second=0
  CASE_TRACKER__COMMAND__LISTEN=127.0.0.1:0 CASE_TRACKER__QUERY__LISTEN=127.0.0.1:0 CASE_TRACKER__AUDIT__LISTEN=127.0.0.1:0 \
    timeout 10 "$program" --data-dir "$work/data" >"$work/second.out" 2>"$work/second.err" || second=$?
  if [ "$second" -ne 75 ] || [ "$(wc -l <"$work/second.err")" -ne 1 ]; then
    cat "$work/second.out" "$work/second.err"
    fail "a second start on the same data: exit code $second, or not one line"
  fi
  serving || fail "the first one no longer serves"
  echo "ok: second start: $(cat "$work/second.err")"
}

start
round 1
first_case=$case_id
create '{"case":{"title":"Water damage, unit 4","priority":"PRIORITY_HIGH","reporter":"budi","tags":["water"]},"idempotency_key":"create-1"}'
first_answer=$answer
second_start
stop "$server" TERM 20
[ "$exit_code" -eq 0 ] || fail "SIGTERM ends it with $exit_code, not with 0"

start
replay_of_create 1 "$first_answer"
round 2
[ "$case_id" != "$first_case" ] || fail "the second life gave a number again"
call $query_port $queries/ListCases '{"page_size":1}'
expect "first page" $ok '(.cases | length == 1) and (.nextPageToken | length > 0) and .cases[0].caseId == $id' --arg id "$case_id"
call $query_port $queries/ListCases "$(body --arg t "$(field .nextPageToken)" '{page_size: 1, page_token: $t}')"
expect "second page" $ok '(.cases | length == 1) and .cases[0].caseId == $id' --arg id "$first_case"
call $query_port $queries/ListCases '{"page_size":-1}'
refused "a negative page size" $invalid_argument INVALID_PAGE_SIZE true
stop "$server" TERM 20
[ "$exit_code" -eq 0 ] || fail "SIGTERM ends it with $exit_code, not with 0"
echo "$checks checks"
