#!/usr/bin/env node
// A game of tag: players say where they want to go, and 20 times a second this program says where everyone is.
const size = 1000;
const radius = 30;
const players = new Map();
let [it, rest] = [0, 0]; // Who is it, and for how many more ticks that one has to stand still.
const ticks = setInterval(tick, 50);

let text = "";
process.stdin.setEncoding("utf8");
for await (const chunk of process.stdin) {
  const lines = (text + chunk).split("\n");
  text = lines.pop();
  for (const line of lines) take(JSON.parse(line));
}
clearInterval(ticks);

function take({ t, _from: id, x, y }) {
  const [left, top] = [Math.random(), Math.random()].map((part) => radius + part * (size - 2 * radius));
  if (t === "Join" && !players.has(id)) players.set(id, { id, x: left, y: top, dx: 0, dy: 0, score: 0 });
  if (t === "Join") console.log(JSON.stringify({ t: "You", _to: id, size, radius }));
  if (t === "Leave") players.delete(id);
  const length = [x, y].every(Number.isFinite) && Math.max(1, Math.hypot(x, y)); // Nobody is faster for pointing farther.
  if (t === "Go" && length) Object.assign(players.get(id) ?? {}, { dx: x / length, dy: y / length });
}

function tick() {
  if (players.size === 0) return;
  const chaser = players.get(it) ?? players.values().next().value;
  for (const player of players.values()) {
    const speed = player !== chaser ? 12 : rest > 0 ? 0 : 15;
    player.x = Math.min(size - radius, Math.max(radius, player.x + player.dx * speed));
    player.y = Math.min(size - radius, Math.max(radius, player.y + player.dy * speed));
    if (player !== chaser) player.score += 1;
  }
  const isCaught = ({ id, x, y }) => id !== chaser.id && Math.hypot(x - chaser.x, y - chaser.y) < 2 * radius;
  const caught = rest > 0 ? undefined : [...players.values()].find(isCaught);
  [it, rest] = caught ? [caught.id, 20] : [chaser.id, rest - 1];
  console.log(JSON.stringify({ t: "State", it, players: [...players.values()] }));
}
