#!/bin/sh
# The stand-in for the API beside a `leat up`, started by ./run.
#
#     stand_in.sh LEAT FOLDER     FOLDER has two named pipes: the address goes to "url"; when nobody
#                                 holds "alive" open any more, the stand-in ends.
exec 8<"$2/alive" # waits for ./run to open the other end
"$1" api --listen 127.0.0.1:0 >"$2/url" 2>/dev/null 8<&- &
api=$!
cat <&8 >/dev/null
kill "$api" 2>/dev/null
