#!/usr/bin/env bash
# cargo calls this in place of the compiler (RUSTC_WRAPPER). Crates that decode bytes from outside are compiled so that the
# fuzzer sees which branches an input takes, and what it is compared with; the rest would only take time. Not prost, which build scripts
# are linked with, too: what it decodes with is generic, and so compiled in the crates of the messages.
decoders=' base64 case_api case_audit case_command case_domain case_query casectl jsonwebtoken lifecycle_file serde_json service_kit
toml_edit toml_parser winnow '
name=
for ((i = 1; i < $#; i++)); do
  [ "${!i}" = --crate-name ] && { next=$((i + 1)); name=${!next}; }
done
case "$CARGO_PKG_NAME/$name" in
  */build_script_*) exec "$@" ;;
  fuzz/*) ;;
  *) [[ ${decoders//$'\n'/ } == *" $name "* ]] || exec "$@" ;;
esac
coverage=(level=4 inline-8bit-counters pc-table trace-compares)
exec "$@" -Cpasses=sancov-module "${coverage[@]/#/-Cllvm-args=-sanitizer-coverage-}"
