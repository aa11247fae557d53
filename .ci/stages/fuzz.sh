#!/usr/bin/env bash
# Bytes from outside against every reader that meets them, guided by which branches they take. Bounded: five minutes on two cores, with
# the build from nothing. FUZZ_SECONDS=600 bash .ci/run fuzz fuzzes each target for ten minutes.
source "$(dirname "$0")/../lib.sh"
fuzz=$root/crates/fuzz
work=$ci_home/fuzz
seconds=${FUZZ_SECONDS:-10}
stage_seconds=${FUZZ_STAGE_SECONDS:-$((seconds > 10 ? 1700 : 290))}
jobs=$(nproc)
# libFuzzer is C++.
command -v c++ >/dev/null || skip "there is no C++ compiler"

# Compiled in another way than the product, and with the product's own versions of everything.
export CARGO_TARGET_DIR=$CARGO_TARGET_DIR/fuzz
cp Cargo.lock "$fuzz/Cargo.lock"
RUSTC_WRAPPER=$fuzz/instrument.sh cargo build --manifest-path "$fuzz/Cargo.toml"
echo "built in $SECONDS s"
programs=$CARGO_TARGET_DIR/debug
rm -rf "$work" && mkdir -p "$work/tmp"

# run TARGET SECONDS: what it finds, and the input that broke it, is in $work/TARGET.
run() {
  local target=$1 home=$work/$1 options=()
  mkdir -p "$home/found"
  [ ! -f "$fuzz/dictionaries/$target" ] || options=("-dict=$fuzz/dictionaries/$target")
  TMPDIR=$work/tmp "$programs/$target" "-max_total_time=$2" -timeout=10 -rss_limit_mb=2048 -max_len=16384 -print_final_stats=1 \
    "-artifact_prefix=$home/" ${options[@]+"${options[@]}"} "$home/found" "$fuzz/corpus/$target" >"$home/log" 2>&1
}
export -f run
export work fuzz programs

# A fuzzer that does not find a panic that is there proves nothing.
if run control 60 || ! grep -q 'the planted panic' "$work/control/log"; then
  tail -20 "$work/control/log"
  fail "the planted panic of the control is not found"
fi
echo "control: the planted panic is found"

mapfile -t targets < <(cd "$fuzz/targets" && printf '%s\n' *.rs | sed 's/\.rs$//' | grep -vx control)
rounds=$(((${#targets[@]} + jobs - 1) / jobs))
left=$(((stage_seconds - SECONDS) / rounds - 1))
[ "$left" -ge "$seconds" ] || { seconds=$((left > 2 ? left : 2)); echo "time is short: $seconds s for each target"; }
broken=0
printf '%s\n' "${targets[@]}" | xargs -P "$jobs" -I{} bash -c "run {} $seconds || touch $work/{}/broken" || true
total=0
for target in "${targets[@]}"; do
  executions=$(sed -n 's/^stat::number_of_executed_units: *//p' "$work/$target/log")
  total=$((total + ${executions:-0}))
  printf '%-20s %10s executions\n' "$target" "${executions:-0}"
  if [ -e "$work/$target/broken" ] || [ "${executions:-0}" -eq 0 ]; then
    broken=1
    grep -vE '^#|^stat::' "$work/$target/log" | tail -30
    echo "$target is broken by an input in target/ci/fuzz/$target; fix the reader, and keep the input in crates/fuzz/corpus/$target"
  fi
done
printf '%-20s %10s executions\n' total "$total"
[ "$broken" -eq 0 ] || fail "an input breaks a reader"
[ "$total" -ge 1000000 ] || note "NOT CHECKED: fuzz: only $total executions within the time, a million are wanted"
