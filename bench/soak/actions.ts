import type { Mix } from "./mix.ts";

/** Something that happens during a soak, and how often. */
interface Action {
  readonly name: string;
  readonly weight: number;
  readonly act: (mix: Mix) => void;
}

/** THE table of what can happen. Each picks at random whom it happens to. */
export const actions: readonly [Action, ...Action[]] = [
  { name: "join", weight: 40, act: (mix) => mix.join() },
  { name: "leave", weight: 8, act: (mix) => mix.random.pick(mix.wellBehaved(["numbers", "echo", "none"]))?.leave() },
  { name: "leave without reading", weight: 2, act: leaveUnread },
  { name: "reset", weight: 4, act: (mix) => mix.random.pick(mix.wellBehaved())?.reset() },
  { name: "half-close", weight: 3, act: (mix) => mix.random.pick(mix.wellBehaved())?.halfClose() },
  { name: "vanish", weight: 3, act: (mix) => mix.random.pick(mix.wellBehaved())?.destroy() },
  { name: "go mute", weight: 2, act: (mix) => mix.random.pick(mix.wellBehaved())?.goMute() },
  { name: "knock", weight: 3, act: (mix) => mix.knock() },
  { name: "stall and wake in time", weight: 5, act: (mix) => stall(mix, 100, 1000) },
  { name: "stall for too long", weight: 2, act: (mix) => stall(mix, 3000, 7000) },
  { name: "hold up a burst", weight: 3, act: holdUp },
  { name: "speak", weight: 20, act: (mix) => speak(mix, 5, 20, 100) },
  { name: "burst", weight: 6, act: (mix) => speak(mix, 1000, 10_000, 1000) },
  { name: "fill up", weight: 6, act: fillUp },
];

function stall(mix: Mix, leastMs: number, mostMs: number): void {
  mix.random.pick(mix.wellBehaved())?.stall(mix.random.between(leastMs, mostMs));
}

/** More is to come for a client than the operating system takes in for it, and it does not read: in time, or too long. */
function holdUp(mix: Mix): void {
  const client = mix.random.pick(mix.wellBehaved(["echo", "numbers"]));
  if (client?.kind.talk === "echo") client.say(8000, 1000);
  else client?.ask(15_000);
  client?.stall(mix.random.between(500, 6000));
}

function leaveUnread(mix: Mix): void {
  const client = mix.random.pick(mix.wellBehaved(["numbers"]));
  client?.ask(mix.random.between(1000, 15_000));
  client?.leaveUnread(mix.random.between(500, 4000));
}

/** One client says lines that its room echoes, or asks the program for its own. */
function speak(mix: Mix, echoes: number, numbers: number, size: number): void {
  const client = mix.random.pick(mix.wellBehaved(["echo", "numbers"]));
  if (client?.kind.talk === "echo") client.say(echoes, size);
  else client?.ask(numbers);
}

/** More than may wait for a process goes to one that reads nothing; once for each client, so that there is an end. */
function fillUp(mix: Mix): void {
  const fresh = mix.wellBehaved(["deaf"]).filter(({ said }) => said === 0);
  mix.random.pick(fresh)?.say(300, 10_000);
}
