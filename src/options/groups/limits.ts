import { choice, seconds, size } from "../kinds.ts";

/** Bounds on what clients and processes send, and on what waits. */
export const limitsOptions = {
  maxMessageBytes: size({
    flag: "--maxmessage <SIZE>",
    group: "limits",
    min: "1",
    max: "512M",
    default: "1M",
    help: "Largest message of a client, and with --frame=binary of the process",
  }),
  maxLineBytes: size({
    flag: "--maxline <SIZE>",
    group: "limits",
    min: "1",
    max: "512M",
    default: "64M",
    help: "Longest line of the process",
  }),
  cacheBytes: size({
    flag: "--cachebytes <SIZE>",
    group: "limits",
    min: "1",
    max: "1G",
    default: "16M",
    help: "How much --cache may keep for a room; the oldest messages go first",
  }),
  clientBufferBytes: size({
    flag: "--clientbuffer <SIZE>",
    group: "limits",
    min: "1K",
    max: "1G",
    default: "4M",
    help: "How much may wait for a client that reads slowly before --slow applies",
  }),
  slow: choice({
    flag: "--slow <POLICY>",
    group: "limits",
    choices: ["pause", "close", "drop"],
    default: "pause",
    help:
      "When more waits for a client: pause the process until the client has caught up, close the client, or drop " +
      "messages to it",
  }),
  slowTimeoutMs: seconds({
    flag: "--slowtimeout <SECONDS>",
    group: "limits",
    min: 0.1,
    max: 3600,
    default: 5,
    help: "How long the process pauses for a client that takes nothing, before that client is closed",
  }),
  pingIntervalMs: seconds({
    flag: "--pinginterval <SECONDS>",
    group: "limits",
    min: 0.1,
    max: 86_400,
    default: 25,
    help: "Ping a client after this long without a byte from it, and close it after as long again",
  }),
} as const;
