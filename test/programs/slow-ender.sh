# Repeats what it reads, and takes its time to end. Says so where another one is there at the same time.
trap '' TERM
mkdir "$1" || echo "two at once"
echo $$
cat
sleep 1
rmdir "$1"
