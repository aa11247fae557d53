#!/usr/bin/env bash
# Every line knows its room: which of our crates may not depend on what. deny.toml says the same from the other side, crate by crate.
source "$(dirname "$0")/../lib.sh"
need jq

# CRATE  what none of its normal and build dependencies may match
rules='
case-domain     ^(?!thiserror$)
lifecycle-file  ^(tokio.*|tonic.*|rusqlite|storage|service-kit)$
case-api        ^(tokio.*|rusqlite|storage|service-kit)$
case-access     ^(?!service-kit$)
rpc-error       ^(case-.*|storage|service-kit)$
service-kit     ^(case-.*|lifecycle-file|event-feed|storage|rusqlite)$
storage         ^(case-.*|lifecycle-file|event-feed|service-kit|rpc-error|tonic.*|prost.*)$
event-feed      ^(case-command|case-query|case-audit|case-tracker|lifecycle-file|rusqlite)$
case-command    ^(case-query|case-audit|case-tracker)$
case-query      ^(case-command|case-audit|case-tracker|lifecycle-file)$
case-audit      ^(case-command|case-query|case-tracker|lifecycle-file)$
case-access     ^(?!service-kit$)
recording-vfs   ^(?!rusqlite$)
durability      ^(case-query|case-audit|case-tracker|storage)$
case-bench      ^(case-command|case-query|case-audit|case-tracker|case-domain|storage|lifecycle-file)$
case-tracker    ^(rusqlite|refinery|storage|tonic.*|prost.*)$
*               ^test-support$
'
metadata=$(cargo metadata --no-deps --locked --format-version 1)
crates=$(jq -r '.packages[].name' <<<"$metadata")
dependencies=$(jq -r '.packages[] | .name as $crate | .dependencies[] | select(.kind != "dev") | "\($crate) \(.name)"' <<<"$metadata" | sort -u)
# durability is a harness itself: a program for tests, that no service knows.
dependencies=$(grep -vx 'durability test-support' <<<"$dependencies")

broken=0
while read -r crate forbidden; do
  [ -n "$crate" ] || continue
  if [ "$crate" = '*' ]; then
    theirs=$dependencies
  else
    grep -qx "$crate" <<<"$crates" || fail "a rule names '$crate', which is no crate"
    theirs=$(grep "^$crate " <<<"$dependencies" || true)
  fi
  while read -r owner dependency; do
    if grep -qP -- "$forbidden" <<<"$dependency"; then echo "$owner may not know $dependency"; broken=1; fi
  done <<<"$theirs"
done <<<"$rules"
[ "$broken" -eq 0 ] || fail "a crate knows what it may not"
echo "$(wc -l <<<"$dependencies") dependencies looked at"
