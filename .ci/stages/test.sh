#!/usr/bin/env bash
# All tests, with the command that README.md gives.
source "$(dirname "$0")/../lib.sh"
[ ! -f "$incident_log" ] || export CASE_INCIDENT_LOG=$incident_log
command=$(bash .ci/readme-block README.md test)
echo "+ $command"
bash -euo pipefail -c "$command"
