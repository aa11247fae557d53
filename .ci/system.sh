# A running case-tracker, for stages that call it. Sourced, after lib.sh.
# shellcheck shell=bash

# The released program; another one only to try a stage out.
program=${CI_PROGRAM:-$CARGO_TARGET_DIR/release/case-tracker}
server=''

# start_system FOLDER COMMAND_PORT QUERY_PORT AUDIT_PORT: on data of its own; serves when this returns, and is ended with the stage.
start_system() {
  local folder=$1
  command_port=$2 query_port=$3 audit_port=$4
  [ -x "$program" ] || fail "run the release stage first"
  need_ports "$command_port" "$query_port" "$audit_port"
  export CASE_TRACKER__COMMAND__LISTEN=127.0.0.1:$command_port CASE_TRACKER__QUERY__LISTEN=127.0.0.1:$query_port \
    CASE_TRACKER__AUDIT__LISTEN=127.0.0.1:$audit_port CASE_TRACKER__QUERY__FEED_URL=${feed_scheme:-http}://127.0.0.1:$command_port \
    CASE_TRACKER__AUDIT__FEED_URL=${feed_scheme:-http}://127.0.0.1:$command_port CASE_TRACKER__LOG__FORMAT=json
  rm -rf "$folder" && mkdir -p "$folder"
  system_log=$folder/server.log
  trap 'gone "${server:-0}" || kill "$server"' EXIT
  "$program" --data-dir "$folder/data" >"$system_log" 2>&1 &
  server=$!
  # Its own health check: not every stage has another program that could ask.
  await 20 "the program serves (see $system_log)" "$program" healthcheck
}

# stop_system: as a supervisor does; it must end by itself, and well.
stop_system() {
  stop "$server" TERM 20
  [ "$exit_code" -eq 0 ] || fail "SIGTERM ends it with $exit_code, not with 0"
}
