# Calls with grpcurl and what they must answer. Sourced by stages, after lib.sh.
# shellcheck shell=bash
commands=casetracker.v1.CaseCommandService
queries=casetracker.v1.CaseQueryService
audits=casetracker.v1.AuditService
# gRPC codes, by name.
ok=0 invalid_argument=3 not_found=5 failed_precondition=9 aborted=10 unauthenticated=16
# grpcurl adds this to the gRPC code to make its exit code.
grpcurl_code_offset=64
answers=$ci_home/answers
mkdir -p "$answers"
checks=0

# Who calls; empty: nobody.
actor=amira

# call PORT METHOD BODY [GRPCURL OPTION…]: leaves the message or the status, as JSON, in $answer and the gRPC code in $code.
call() {
  local port=$1 method=$2 body=$3 exit_code=0
  shift 3
  [ -z "$actor" ] || set -- -H "x-actor-id: $actor" "$@"
  grpcurl -plaintext -max-time 10 -format-error "$@" -d "$body" "127.0.0.1:$port" "$method" \
    >"$answers/message" 2>"$answers/status" || exit_code=$?
  if [ "$exit_code" -eq 0 ]; then
    code=0 answer=$(cat "$answers/message")
  else
    code=$((exit_code - grpcurl_code_offset)) answer=$(cat "$answers/status")
  fi
}

# expect WHAT CODE FILTER [JQ OPTION…]: of the last call. In the filter, `info`, `fields` and `detail(type)` look into the details of
# a status.
expect() {
  local what=$1 wanted=$2 filter=$3
  shift 3
  local program='
    def detail($type): first(.details[]? | select(."@type" == "type.googleapis.com/google.rpc." + $type));
    def info: detail("ErrorInfo");
    def fields: detail("BadRequest").fieldViolations | map(.field);
    '$filter
  if [ "$code" -ne "$wanted" ] || ! jq -e "$@" "$program" <<<"$answer" >/dev/null; then
    printf 'expected code %s and %s\ngot code %s and\n%s\n' "$wanted" "$filter" "$code" "$answer" >&2
    fail "$what"
  fi
  checks=$((checks + 1))
  echo "ok: $what"
}

# refused WHAT CODE REASON FILTER [JQ OPTION…]: every refusal says whose it is, why, and which request it was.
refused() {
  local what=$1 wanted=$2 reason=$3 filter=$4
  shift 4
  expect "$what" "$wanted" \
    'info.domain == "casetracker" and info.reason == $reason and (detail("RequestInfo").requestId | length > 0) and ('"$filter"')' \
    --arg reason "$reason" "$@"
}

# field PATH: of the last answer.
field() { jq -er "$1" <<<"$answer"; }
