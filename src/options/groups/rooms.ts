import { choice, integer, seconds } from "../kinds.ts";
import { roomNames } from "../name-kinds.ts";

/** How long rooms live, and how many there may be. */
export const roomsOptions = {
  lingerMs: seconds({
    flag: "--linger <SECONDS>",
    group: "rooms",
    min: 0,
    max: 86_400,
    default: 0,
    help: "Let a process live on this long after its last client left: who comes back in time finds it as it was",
  }),
  restart: choice({
    flag: "--restart <POLICY>",
    group: "rooms",
    choices: ["never", "on-failure", "always"],
    default: "never",
    help:
      "When a process ends by itself, keep its clients and start a new one after 0.1 s, doubling up to 10 s while " +
      "that keeps ending",
  }),
  rooms: roomNames({
    flag: "--rooms <LIST>",
    group: "rooms",
    help: "Serve only rooms of these names",
  }),
  maxRooms: integer({
    flag: "--maxrooms <NUM>",
    aliases: [{ flag: "--maxforks <NUM>" }],
    group: "rooms",
    min: 1,
    max: 1_000_000,
    help: "Refuse to open more rooms than this, each of which has a process",
  }),
  maxClients: integer({
    flag: "--maxclients <NUM>",
    group: "rooms",
    min: 1,
    max: 1_000_000,
    help: "Refuse more clients than this in one room",
  }),
  maxConnections: integer({
    flag: "--maxconnections <NUM>",
    group: "rooms",
    min: 1,
    max: 1_000_000,
    help: "Refuse more clients than this in all rooms together",
  }),
} as const;
