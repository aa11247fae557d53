#!/usr/bin/env bash
# The calls of the API contract, as written there, on its own ports, against what the contract says of their answers.
source "$(dirname "$0")/../lib.sh"
source "$root/.ci/calls.sh"
source "$root/.ci/system.sh"
calls=$root/.ci/contract-calls.txt
need jq
need grpcurl

# The names of gRPC codes that the file uses.
declare -A codes=([NotFound]=$not_found)

service='' address='' method='' body='' token='' page=''

# make_call: the call at hand, as the contract makes it. Leaves $answer and $code.
make_call() {
  local exit_code=0 asked=${body//<token>/$token}
  asked=${asked//<page>/$page}
  grpcurl -plaintext -H "x-actor-id:$actor" -max-time 10 -format-error -d "$asked" "$address" "$service$method" \
    >"$answers/message" 2>"$answers/status" || exit_code=$?
  code=$((exit_code == 0 ? 0 : exit_code - grpcurl_code_offset))
  if [ "$code" -eq 0 ]; then answer=$(cat "$answers/message"); else answer=$(cat "$answers/status"); fi
}

answers_as_written() {
  make_call
  [ "$code" -eq 0 ] && jq -e "$1" <<<"$answer"
}

# judge FILTER REASON: makes the call at hand, which must answer so or be refused so.
judge() {
  local filter=$1 reason=$2
  if [ -n "$reason" ]; then
    make_call
    refused "$method: $reason" "${codes[${reason%% *}]}" "${reason#* }" true
    return
  fi
  [ -n "$filter" ] || fail "$method has no expectation"
  case $service in
    *Command*) make_call ;;
    # Fails below, with what it answered, if it never does.
    *) (await 5 "$method" answers_as_written "$filter") 2>/dev/null || true; make_call ;;
  esac
  expect "$method $body" $ok "$filter"
  token=$(jq -r --arg t "$token" '.consistencyToken // $t' <<<"$answer")
  page=$(jq -r '.nextPageToken // ""' <<<"$answer")
}

# run_file FILE: a call ends where the next one begins.
run_file() {
  local line filter='' reason=''
  while IFS= read -r line; do
    case $line in
      '' | '#'*) continue ;;
      '= '*) filter="${filter:+$filter and }(${line#= })" ; continue ;;
      '! '*) reason=${line#! } ; continue ;;
    esac
    [ -z "$method" ] || judge "$filter" "$reason"
    filter='' reason='' method=''
    case $line in
      localhost:*) read -r address service <<<"$line" ; continue ;;
      '+ '*) line=${line#+ } ;;
    esac
    method=${line%% *} body=${line#* }
  done <"$1"
  judge "$filter" "$reason"
}

start_system "$ci_home/contract" 50051 50052 50053
run_file "$calls"
# The control: an expectation that cannot fail proves nothing.
method=GetLifecycle address=localhost:50052 service=casetracker.v1.CaseQueryService/ body='{}'
make_call
if (expect control $ok '.lifecycle | tostring | contains("NO_SUCH_STATUS")') >/dev/null 2>&1; then fail "the control: a wrong answer passes"; fi
stop_system
echo "$checks checks"
