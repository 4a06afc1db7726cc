#!/usr/bin/env node
// A board to draw on together: checks what people draw and passes it on to everyone.

const people = new Set();
const isKey = (value) => typeof value === "string" && /^[\w-]{1,32}$/.test(value);
const isWholeNumber = (value, least, most) => Number.isInteger(value) && value >= least && value <= most;

let rest = "";
process.stdin.setEncoding("utf8");
for await (const chunk of process.stdin) {
  const lines = (rest + chunk).split("\n");
  rest = lines.pop();
  for (const line of lines) take(JSON.parse(line));
}

function take({ id, join, leave, clear, key, color, width, line }) {
  if (id === undefined) {
    // What clients say has an id always, so this is the server's word of who comes and goes.
    if (join === undefined) people.delete(leave);
    else people.add(join);
    say({ people: people.size });
  } else if (clear === true) {
    say({ clear, _cache: true });
  } else if (isKey(key) && isWholeNumber(color, 0, 6) && isWholeNumber(width, 1, 400) && isLine(line)) {
    say({ key, color, width, line, _cache: true });
  }
}

/** What has `_cache` is kept for who joins later. How many people there are is news for the moment only. */
function say(message) {
  console.log(JSON.stringify(message));
}

/** A line is `[x, y, x, y, ...]`; one point is a dot. */
function isLine(line) {
  if (!Array.isArray(line) || line.length < 2 || line.length > 400 || line.length % 2 === 1) return false;
  return line.every((place) => isWholeNumber(place, -400, 4400));
}
