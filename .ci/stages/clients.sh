#!/usr/bin/env bash
# Foreign clients: what people and programs of other teams call the API with, none of which knows our code.
source "$(dirname "$0")/../lib.sh"
source "$root/.ci/system.sh"
source "$root/.ci/clients/shell.sh"
need jq
clients=()
for name in grpcurl grpc-python buf; do
  if have "$name"; then clients+=("$name"); else note "NOT CHECKED: clients: $name, which is not installed (see target/ci/prepare/$name.log)"; fi
done
[ "${#clients[@]}" -gt 0 ] || skip "no client is installed"

start_system "$ci_home/clients" 22051 22052 22053
for name in "${clients[@]}"; do
  case $name in
    grpc-python) grpc-python "$root/.ci/clients/client.py" "$command_port" "$query_port" "$audit_port" ;;
    *) life_of_a_case "$name" ;;
  esac
done
stop_system
echo "clients: ${clients[*]}"
