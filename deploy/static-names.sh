#!/bin/sh
# In one static program every name is there once. Archives of Debian that bring names of others get
# their own ones out of the way: libfyaml carries xxhash inside, jansson has a utf8_encode as leat does.
# libuv's archive has a name that linkers do not look for.
set -eu

folder=$(dirname "$(find /usr/lib -name libuv_a.a)")
cd "$folder"
names=$(mktemp)

# rename ARCHIVE PATTERN PREFIX
rename() {
    nm -g --defined-only "$1" 2>/dev/null | awk -v pattern="$2" -v prefix="$3" \
        'NF == 3 && $3 ~ pattern { print $3, prefix $3 }' | sort -u >"$names"
    objcopy --redefine-syms="$names" "$1"
}

rename libfyaml.a '^XXH' fy_
rename libjansson.a '^utf8_' jansson_
ln -sf libuv_a.a libuv.a
rm -f "$names"
