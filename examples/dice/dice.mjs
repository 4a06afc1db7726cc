#!/usr/bin/env node
// A table to roll dice at: everyone hears the sum, only who rolled sees the single dice.
import { randomInt } from "node:crypto";

const mostDice = 20;
const mostSides = 100;

// Each client's message comes as a JSON object on a line of its own, with the client's id put in.
let rest = "";
process.stdin.setEncoding("utf8");
for await (const chunk of process.stdin) {
  const lines = (rest + chunk).split("\n");
  rest = lines.pop();
  for (const line of lines) answer(JSON.parse(line));
}

function answer({ id, roll, sides = 6 }) {
  if (!isWholeNumber(roll, 1, mostDice)) {
    say({ id, error: `roll must be a whole number from 1 to ${mostDice}` });
  } else if (!isWholeNumber(sides, 2, mostSides)) {
    say({ id, error: `sides must be a whole number from 2 to ${mostSides}` });
  } else {
    const dice = Array.from({ length: roll }, () => randomInt(1, sides + 1));
    const sum = dice.reduce((total, die) => total + die, 0);
    say({ id, dice });
    say({ player: id, roll, sides, sum });
  }
}

/** Goes to one client alone where there is an `id`, and to everyone where there is none. */
function say(message) {
  console.log(JSON.stringify(message));
}

function isWholeNumber(value, least, most) {
  return Number.isInteger(value) && value >= least && value <= most;
}
