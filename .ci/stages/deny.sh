#!/usr/bin/env bash
# Licences, sources and who may use what (deny.toml); known vulnerabilities where the advisory database can be reached.
source "$(dirname "$0")/../lib.sh"
need cargo-deny 1500
deny=(cargo deny --workspace --all-features --locked)
"${deny[@]}" check --hide-inclusion-graph bans licenses sources
database_seconds=120
if timeout "$database_seconds" "${deny[@]}" fetch db >"$ci_home/advisories.log" 2>&1; then
  "${deny[@]}" check --disable-fetch advisories
else
  note "NOT CHECKED: deny: advisories, because the database cannot be reached (see target/ci/advisories.log)"
fi
