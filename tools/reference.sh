#!/bin/sh
# Makes the pages of docs/reference anew from the built binary.
set -eu
cd "$(dirname "$0")/.."
leat=${LEAT_BINARY:-build/leat}
mkdir -p docs/reference
"$leat" reference settings > docs/reference/pipeline.md
"$leat" reference functions > docs/reference/functions.md
"$leat" reference commands > docs/reference/commands.md
