#!/bin/sh
# Makes the pages of docs/reference from the program's own tables.
#
#     tools/reference.sh            writes them
#     tools/reference.sh --check    says which are not as the program would write them
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
leat=${LEAT_BINARY:-$root/build/leat}
target=$root/docs/reference
if [ "${1:-}" = --check ]; then
    target=$(mktemp -d)
    trap 'rm -rf "$target"' EXIT
fi

mkdir -p "$target"
"$leat" reference settings >"$target/pipeline.md"
"$leat" reference functions >"$target/functions.md"
"$leat" reference commands >"$target/commands.md"
"$leat" check --json-schema | python3 -m json.tool >"$target/pipeline.schema.json"

if [ "${1:-}" = --check ]; then
    diff -ru "$root/docs/reference" "$target" || {
        echo "docs/reference is not as the program would write it; run tools/reference.sh and commit"
        exit 1
    }
fi
