#!/bin/sh
# A shell on a terminal of its own, for pages that this server has sent, and for nobody else.

# Any page of the web may open a websocket to this machine: browsers then say in `Origin` whose page it is. Who comes
# later to the same room is not asked, so the name of the room must be one that cannot be guessed.
case $HTTP_HOST in
  localhost | localhost:* | 127.0.0.1 | 127.0.0.1:*) ;;
  *) HTTP_HOST= ;;
esac
if [ "$HTTP_ORIGIN" != "http://$HTTP_HOST" ] || [ "${#ROOM}" -lt 22 ]; then
  echo "This shell is for the page at http://localhost:$SERVER_PORT only." && exit 1
fi

# The terminal's size is the one of the page. Its output goes to the page, and into no file.
export TERM=xterm-256color
shell="stty rows 24 cols 80 iutf8 && exec ${SHELL:-sh}"
# It runs behind this sh, so that both are ended at once: then the shell hears that its terminal is gone, and tells its
# jobs. Left to itself, script would kill the shell first, and the jobs would live on.
exec 3<&0
env --default-signal script --quiet --flush --return --command "$shell" /dev/null <&3 3<&- &
wait "$!"
