# Answers each line with its own pid and the line. The file of its room is locked for as long as it, or a child of it,
# is there: whoever finds it locked says so in a file. Takes a moment to end, and no signal makes that shorter.
trap '' TERM
exec 9>"$1/room-$ROOM"
flock -n 9 || echo "$ROOM" >>"$1/two-at-once"
echo $$ >>"$1/pids"
while read -r line; do
  case $line in
    exit) exit 0 ;;
    crash) kill -KILL $$ ;;
    *) echo "$$ $line" ;;
  esac
done
sleep 0.1
