#!/bin/sh
# A shell on a terminal of its own. Whoever gets to it can do all that you can do: see the README.

# The terminal's size is the one of the page, and so is its UTF-8. Its output goes to the page, and into no file.
export TERM=xterm-256color LANG="${LANG:-C.UTF-8}" SHELL="${SHELL:-$(command -v bash || command -v sh)}"
shell="stty rows 24 cols 80 iutf8 && exec env --default-signal $SHELL"
# Who can also write to its input never sees the end of it. There, script would type ^D, and a shell that leaves by that
# tells its jobs nothing. Where the input is no pipe (the server runs without koffi), that cannot be had.
{ command exec 3<>/dev/stdin; } 2>/dev/null || exec 3<&0
# It does not hear SIGTERM, and this sh kills it then: so the shell hears that its terminal is gone, and tells its jobs. Left
# to itself, script would kill the shell first, and the jobs would live on.
trap 'kill -s KILL "$!"' TERM
env --default-signal --ignore-signal=TERM script --quiet --flush --return --command "$shell" /dev/null <&3 3<&- &
wait "$!"
