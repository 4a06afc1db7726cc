import { addressRanges, hosts, origins } from "../access-kinds.ts";
import { flag, integer } from "../kinds.ts";

/** Who may come in, and how often. */
export const accessOptions = {
  allowedHosts: hosts({
    flag: "--allowhost <LIST>",
    group: "access",
    help:
      "Answer only requests for these hosts; * is all. Without it, a server that listens on loopback only answers for " +
      "localhost, 127.0.0.1 and [::1]",
  }),
  origins: origins({
    flag: "--origin <LIST>",
    group: "access",
    help: "Let in only websockets of pages from these origins, and of programs that are no browser",
  }),
  sameOrigin: flag({
    flag: "--sameorigin",
    group: "access",
    help: "Let in only websockets of pages from the host that they connect to, and those that --origin names",
  }),
  trustedProxies: addressRanges({
    flag: "--trustproxy <LIST>",
    group: "access",
    help: "Believe X-Forwarded-For, -Proto and -Host, or Forwarded, where these proxies send them",
  }),
  maxPerAddress: integer({
    flag: "--maxperip <NUM>",
    group: "access",
    min: 1,
    max: 1_000_000,
    help: "Refuse more websockets than this at once from one address, or from one /64 of IPv6",
  }),
  connectionRate: integer({
    flag: "--connrate <NUM>",
    group: "access",
    min: 1,
    max: 100_000,
    help: "Refuse more new websockets a second from one address, after as many at once as five seconds allow",
  }),
  maxHandshakes: integer({
    flag: "--maxhandshakes <NUM>",
    group: "access",
    min: 1,
    max: 1_000_000,
    default: 1024,
    help:
      "Let so many connections wait for a whole request for longer than 2 s, and eight times as many in all, the oldest " +
      "of which go for new ones; let so many handshakes be decided on at once",
  }),
} as const;
