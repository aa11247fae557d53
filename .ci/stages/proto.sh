#!/usr/bin/env bash
# The protos keep buf's rules and format.
source "$(dirname "$0")/../lib.sh"
need buf
buf lint
buf format --diff --exit-code
