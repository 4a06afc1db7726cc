# Behaves as the name of its room says. Its lines begin with `p` and a number that counts them; the last one of those that
# end by themselves ends in END.
filler=$(printf '%0900d' 0)
last=0

# Says so many lines of 900 bytes and more.
say() {
  seq -f "p %.0f $filler" $((last + 1)) $((last + $1))
  last=$((last + $1))
}

say_end() {
  say 50
  sleep 0.5
  say 500
  last=$((last + 1))
  echo "p $last END"
}

case $ROOM in
  # Says as much as it is asked for: "more 100".
  numbers*)
    while read -r _ count _; do say "$count"; done
    ;;
  # Repeats what the clients say.
  echoes*)
    exec cat
    ;;
  exits*)
    say_end
    exit 0
    ;;
  crashes*)
    say_end
    exit 3
    ;;
  dies*)
    say_end
    kill -KILL $$
    ;;
  # Leaves something behind that holds its output open.
  forks*)
    sleep 1000 &
    say_end
    exit 0
    ;;
  floods*)
    say 20000
    say_end
    exit 0
    ;;
  # Does not notice the end of its input.
  hangs*)
    say 10
    exec sleep 1000
    ;;
  # Nor does it, or what it has started, go when it is asked to.
  stays*)
    trap '' TERM
    sleep 1000 &
    say 10
    while :; do sleep 1; done
    ;;
  # Reads nothing, and says something now and then.
  deaf*)
    while :; do
      say 1
      sleep 0.3
    done
    ;;
esac
