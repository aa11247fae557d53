#!/usr/bin/env bash
# What no compiler checks: sizes of files, build output, silenced lints, shell scripts, links of documents.
source "$(dirname "$0")/../lib.sh"
problems=0
problem() { printf 'problem: %s\n' "$*"; problems=$((problems + 1)); }
lines_max=500
file_bytes_max=1048576

while IFS= read -r file; do
  lines=$(wc -l <"$file")
  [ "$lines" -le "$lines_max" ] || problem "$file has $lines lines, more than $lines_max"
done < <(project_files '*.rs' '*.sh')

while IFS= read -r file; do
  case $file in
    target/* | */target/* | data/* | *.o | *.so | *.rlib | *.rmeta | *.db-wal | *.db-shm) problem "$file is build output or data" ;;
  esac
  [ "$(stat -c %s "$file")" -le "$file_bytes_max" ] || problem "$file is larger than $file_bytes_max bytes"
done < <(project_files '*')

while IFS= read -r line; do problem "a lint or test silenced without a reason: $line"; done \
  < <(git grep -nE --untracked '#!?\[(allow\(|ignore\])' -- '*.rs' || true)

scripts=()
while IFS= read -r file; do
  scripts+=("$file")
  bash -n "$file" || problem "$file does not parse"
done < <(project_files '.ci/*.sh' '.ci/run' '.ci/readme-block')
if command -v shellcheck >/dev/null; then
  shellcheck "${scripts[@]}" || problem "shellcheck"
else
  note "NOT CHECKED: hygiene: shell scripts by shellcheck, which is not installed"
fi

while IFS= read -r file; do
  while IFS= read -r link; do
    [ -e "$(dirname "$file")/${link%%#*}" ] || problem "$file links to $link, which is not there"
  done < <(grep -oE '\]\([^)#][^)]*\)' "$file" | sed -E 's/^\]\(//; s/\)$//' | grep -vE '^[a-z]+:' || true)
done < <(project_files '*.md')

[ "$problems" -eq 0 ] || fail "$problems problems"
echo "none"
