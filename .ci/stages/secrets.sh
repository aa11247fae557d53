#!/usr/bin/env bash
# No private key, token or password in any file. What tests plant on purpose has "canary" in it, or is one of the placeholders below.
source "$(dirname "$0")/../lib.sh"

patterns=(
  '-----BEGIN [A-Z ]*PRIVATE KEY'
  '(AKIA|ASIA)[0-9A-Z]{16}'
  '(gh[pousr]_[A-Za-z0-9]{36}|github_pat_[A-Za-z0-9_]{20})'
  'xox[abprs]-[0-9A-Za-z-]{10}'
  'AIza[0-9A-Za-z_-]{35}'
  'eyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]{10}'
  '[a-z]+://[A-Za-z0-9_.-]+:[^][ /@<>{}"$]+@[A-Za-z0-9]'
)
arguments=()
for pattern in "${patterns[@]}"; do arguments+=(-e "$pattern"); done
placeholders='canary|:(p|secret|password|pa55|pa55@pa55)@'
scan() { git grep -nIE "${arguments[@]}" "$@" | grep -vE "$placeholders"; }

# The control: the scan must find each kind of secret, or finding none means nothing. Put together here, so that it is not found.
control=$ci_home/control
rm -rf "$control" && mkdir -p "$control"
printf '%s%s\n' '-----BEGIN RSA ' 'PRIVATE KEY-----' 'AKIA' 'ABCDEFGHIJKLMNOP' 'ghp_' "$(printf 'a%.0s' {1..36})" \
  'xoxb-' '123456789012' 'AIza' "$(printf 'b%.0s' {1..35})" 'eyJhbGciOiJIUzI1NiJ9' '.eyJzdWIiOiIxMjM0In0.c2lnbmF0dXJl' \
  'postgres://cases:' 'hunter2@db' >"$control/planted"
found=$(scan --no-index -- "$control" | wc -l)
[ "$found" -eq "${#patterns[@]}" ] || fail "the control: $found of ${#patterns[@]} planted secrets found"

if scan --untracked --exclude-standard; then fail "these lines look like secrets"; fi
echo "none in $(project_files '*' | wc -l) files; the control found $found of ${#patterns[@]}"
