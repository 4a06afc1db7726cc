import { Random } from "../observed/random.ts";
import type { Configuration } from "./configurations.ts";
import { mutate, noise } from "./mutations.ts";
import { randomFrame } from "./random-frames.ts";
import { anyRequest, upgradeRequest } from "./requests.ts";

/** What is sent over one connection, and how that ends. */
export interface Conversation {
  /** Written one by one. */
  readonly packets: readonly Buffer[];
  readonly ending: Ending;
}

export const endings = ["end", "reset", "wait"] as const;
/** "wait" leaves it to the server for a while. */
type Ending = (typeof endings)[number];

const mostFrames = 20;
const mostPackets = 8;
const mostSinglePackets = 64;
/** Far from each other, so that neighbours have nothing in common. */
const seedStep = 0x9e3779b1;

/** The n-th conversation of a seed: always the same bytes. */
export function conversation(configuration: Configuration, seed: number, index: number): Conversation {
  const random = new Random((seed + Math.imul(index + 1, seedStep) + nameNumber(configuration.name)) >>> 0);
  const bytes = random.pickWeighted(kinds).create(random, configuration);
  return { packets: cut(random, bytes), ending: random.pick(endings) ?? "end" };
}

type Create = (random: Random, configuration: Configuration) => Buffer;

const kinds: readonly [Kind, ...Kind[]] = [
  { weight: 6, create: frames },
  { weight: 4, create: requests },
  { weight: 1, create: (random) => noise(random, random.between(0, 2000)) },
];

interface Kind {
  readonly weight: number;
  readonly create: Create;
}

/** A good handshake, and behind it what may be good, mutated or not. */
function frames(random: Random, configuration: Configuration): Buffer {
  const isCompressing = configuration.name === "compress";
  const some = (): Buffer =>
    Buffer.concat(Array.from({ length: random.between(1, mostFrames) }, () => randomFrame(random, isCompressing)));
  const sent = random.next() < 0.6 ? mutate(random, some(), some()) : some();
  return Buffer.concat([upgradeRequest(random, configuration), sent]);
}

/** One request or several, sent without waiting for answers. */
function requests(random: Random, configuration: Configuration): Buffer {
  const some = (): Buffer =>
    Buffer.concat(Array.from({ length: random.between(1, 3) }, () => anyRequest(random, configuration)));
  return random.next() < 0.8 ? mutate(random, some(), some()) : some();
}

/** Few pieces, or one for each of the last bytes. */
function cut(random: Random, bytes: Buffer): Buffer[] {
  const places = random.next() < 0.1 ? lastPlaces(bytes.length) : randomPlaces(random, bytes.length);
  const bounds = [0, ...places.toSorted((a, b) => a - b), bytes.length];
  return bounds.slice(1).map((end, index) => bytes.subarray(bounds[index], end));
}

function randomPlaces(random: Random, length: number): number[] {
  return Array.from({ length: random.between(0, mostPackets - 1) }, () => random.between(0, length));
}

function lastPlaces(length: number): number[] {
  const count = Math.min(length, mostSinglePackets);
  return Array.from({ length: count }, (_, index) => length - count + index);
}

function nameNumber(name: string): number {
  return Buffer.from(name).reduce((sum, byte) => Math.imul(sum, 31) + byte, 7);
}
