#!/usr/bin/env bash
# A secured system, attacked by foreign clients: TLS, tokens good and bad, roles, rates, limits, rotation, health while it ends.
source "$(dirname "$0")/../lib.sh"
source "$root/.ci/system.sh"
need grpc-python
work=$ci_home/secured
keys=$work/keys
python() { grpc-python "$root/.ci/clients/$1.py" "${@:2}"; }
secured() { python secured "$1" "$keys" "$command_port" "$query_port" "$audit_port"; }
rm -rf "$work" && mkdir -p "$work"
python credentials "$keys"

export CASE_TRACKER__AUTH__MODE=jwt CASE_TRACKER__AUTH__JWKS=$keys/jwks.json CASE_TRACKER__AUTH__ISSUER=https://identity.example \
  CASE_TRACKER__AUTH__AUDIENCE=case-tracker CASE_TRACKER__AUTH__TOKEN_FILE=$keys/feed.token \
  CASE_TRACKER__TLS__CERTIFICATE=$keys/server.pem CASE_TRACKER__TLS__KEY=$keys/server.key CASE_TRACKER__TLS__CA=$keys/ca.pem \
  CASE_TRACKER__TLS__CLIENT_CA=$keys/ca.pem CASE_TRACKER__LIMITS__STREAMS_IN_FLIGHT=5 \
  CASE_TRACKER__LIMITS__CALLS_PER_SECOND_PER_CALLER=20 CASE_TRACKER__LIMITS__CALLS_BURST_PER_CALLER=40
feed_scheme=https start_system "$work/system" 24051 24052 24053
plain_is_refused() {
  have grpcurl || { note "NOT CHECKED: secured: grpcurl against the TLS port, which is not installed"; return; }
  ! grpcurl -plaintext -max-time 5 "127.0.0.1:$command_port" grpc.health.v1.Health/Check >/dev/null 2>&1 || fail "the TLS port speaks in clear text"
  grpcurl -cacert "$keys/ca.pem" -max-time 5 "127.0.0.1:$command_port" grpc.health.v1.Health/Check | grep -q SERVING || fail "grpcurl over TLS"
  echo "ok: secured: in clear text nobody is answered, over TLS grpcurl is"
}
plain_is_refused
for part in tokens limits health; do secured $part; done

# Keys and certificates change under the running system; nothing is restarted.
cp -r "$keys/tokens" "$keys/before"
python credentials "$keys" rotate
kill -HUP "$server"
logged() { grep -q "$1" "$system_log"; }
await 20 "the new certificate is taken" logged certificate_reloaded
await 20 "the new keys are taken" logged identity_keys_changed
secured rotated

# Whoever watches is told before the end.
secured watch >"$work/watch.log" 2>&1 &
watcher=$!
watching() { grep -q "watching: SERVING" "$work/watch.log"; }
await 20 "somebody watches" watching
stop_system
wait "$watcher" || { cat "$work/watch.log" >&2; fail "the watcher was not told"; }
cat "$work/watch.log"

# Nothing of what was shown stands in the log.
for token in "$keys"/tokens/* "$keys"/before/*; do
  case $token in */garbage) continue ;; esac
  if grep -qF "$(cat "$token")" "$system_log"; then fail "the log holds the token $(basename "$token")"; fi
done
printf 'a token in a log: %s\n' "$(cat "$keys/tokens/agent")" >"$work/control.log"
grep -qF "$(cat "$keys/tokens/agent")" "$work/control.log" || fail "the search for tokens finds nothing anywhere"
echo "ok: secured: no token is in the log"
