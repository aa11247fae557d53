# One case through its life, with a client of the command line. Sourced by the stage `clients`, after lib.sh and system.sh.
# shellcheck shell=bash
source "$root/.ci/calls.sh"

# Each client has a function `ask_CLIENT PORT METHOD BODY REQUEST_ID`, which leaves the message or the status in $answer, the gRPC code in
# $code and all metadata that it heard in $heard.

ask_grpcurl() {
  local exit_code=0
  grpcurl -plaintext -max-time 10 -v -format-error -H "x-actor-id: $client" -H "x-request-id: $4" -d "$3" "127.0.0.1:$1" "$2" \
    >"$answers/message" 2>"$answers/status" || exit_code=$?
  heard=$(cat "$answers/message")
  if [ "$exit_code" -eq 0 ]; then
    code=0 answer=$(sed -n '/^Response contents:$/,/^Response trailers received:$/{//!p}' "$answers/message")
  else
    code=$((exit_code - grpcurl_code_offset)) answer=$(cat "$answers/status")
  fi
}

# buf multiplies the gRPC code to make its exit code.
buf_code_factor=8
ask_buf() {
  local exit_code=0
  timeout 10 buf curl -v --protocol grpc --http2-prior-knowledge -H "x-actor-id: $client" -H "x-request-id: $4" -d "$3" \
    "http://127.0.0.1:$1/$2" >"$answers/message" 2>"$answers/heard" || exit_code=$?
  heard=$(sed -n 's/^buf: < ([^)]*) //p' "$answers/heard")
  if [ "$exit_code" -eq 0 ]; then
    code=0 answer=$(cat "$answers/message")
  else
    code=$((exit_code / buf_code_factor)) answer=$(grep -v '^buf: ' "$answers/heard" || true)
  fi
}

asked=0
# ask PORT METHOD BODY: every answer echoes the request id, those that are errors too.
ask() {
  asked=$((asked + 1))
  local request_id=$client-$asked
  "ask_$client" "$1" "$2" "$3" "$request_id"
  grep -qix "x-request-id: $request_id" <<<"$heard" || { printf '%s\n' "$heard" >&2; fail "$client: $2 does not echo $request_id"; }
}

# told WHAT CODE REASON TEXT…: the last call was refused like this. grpcurl shows details as JSON; buf leaves them in base64, where at
# least their texts can be found.
told() {
  local what=$1 wanted=$2 texts details
  shift 2
  texts=$(jq -nc '$ARGS.positional' --args -- "$@")
  details=$(jq -r '.details[] | if has("value") then (.value | . + "=" * (-length % 4 + 4 | . % 4) | @base64d) else tojson end' <<<"$answer")
  expect "$client: $what" "$wanted" '. as $status | $texts | all(. as $text | $details | contains($text))' \
    --argjson texts "$texts" --arg details "$details"
}

# life_of_a_case CLIENT
life_of_a_case() {
  client=$1
  local create case_id other token fresh
  create=$(jq -nc --arg k "$client" '{case: {title: "From outside", priority: "PRIORITY_HIGH", tags: ["water"]}, idempotency_key: $k}')
  ask "$command_port" $commands/CreateCase "$create"
  expect "$client: create" $ok '.case.status == "DRAFT" and (.replayed | not)'
  case_id=$(field .case.caseId)
  ask "$command_port" $commands/CreateCase "$create"
  expect "$client: replay" $ok '.replayed and .case.caseId == $id' --arg id "$case_id"
  ask "$command_port" $commands/UpdateCase \
    "$(jq -nc --arg id "$case_id" \
      '{case: {case_id: $id, title: "Renamed", team: "ignored"}, update_mask: "title", expected_version: 1}')"
  expect "$client: update by mask" $ok '.case.title == "Renamed" and .case.version == "2" and (.case.team // "") == ""'
  ask "$command_port" $commands/TransitionCase "$(jq -nc --arg id "$case_id" '{case_id: $id, to_status: "SUBMITTED"}')"
  expect "$client: transition" $ok '.case.status == "SUBMITTED"'
  ask "$command_port" $commands/TransitionCase "$(jq -nc --arg id "$case_id" '{case_id: $id, to_status: "CLOSED", reason: "done"}')"
  told "a transition without an edge" $failed_precondition TRANSITION_NOT_ALLOWED casetracker SUBMITTED IN_REVIEW "$client-$asked"
  ask "$command_port" $commands/AddComment "$(jq -nc --arg id "$case_id" '{case_id: $id, body: "Plumber booked."}')"
  expect "$client: comment" $ok '.comment.body == "Plumber booked." and .case.version == "4"'
  ask "$command_port" $commands/CreateCase '{"case":{"title":"The other"}}'
  other=$(field .case.caseId)
  ask "$command_port" $commands/LinkCases \
    "$(jq -nc --arg id "$case_id" --arg o "$other" '{case_id: $id, linked_case_id: $o, link_type: "LINK_TYPE_BLOCKS"}')"
  expect "$client: link" $ok '.case.links == [{caseId: $o, linkType: "LINK_TYPE_BLOCKS"}]' --arg o "$other"
  token=$(field .consistencyToken)
  fresh=$(jq -nc --arg id "$case_id" --arg t "$token" '{case_id: $id, consistency: {at_least_as_fresh: [$t]}}')
  ask "$query_port" $queries/GetCase "$fresh"
  expect "$client: read your write" $ok '.case.version == "5" and (.asOf | length > 0)'
  ask "$query_port" $queries/GetCaseTimeline "$fresh"
  expect "$client: timeline" $ok '[.entries[].action] | sort == ["case_commented", "case_created", "case_linked", "case_transitioned", "case_updated"]'
  await 10 "$client: the audit events of $case_id" recorded "$case_id"
  expect "$client: audit events" $ok '.auditEvents | length == 5 and all(.actorId == $client)' --arg client "$client"
}

# The audit log follows by itself: asked until it has everything.
recorded() {
  ask "$audit_port" $audits/ListAuditEvents "$(jq -nc --arg id "$1" --arg c "$client" '{filter: {case_id: $id, actor_id: $c}}')"
  [ "$code" -eq 0 ] && [ "$(field '.auditEvents | length')" -eq 5 ]
}
