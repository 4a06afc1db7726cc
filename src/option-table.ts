import { cache, delimiters, fieldName } from "./message-option-kinds.ts";
import {
  address,
  choice,
  count,
  flag,
  type OptionSpec,
  portRange,
  seconds,
  size,
  text,
  variableNames,
} from "./option-kinds.ts";

/** The strict mode of gwsocket is what `binary` stands for. */
const frameAliases = new Map([["gwsocket", "binary"]] as const);

/** THE table of options: flags, environment variables, validation, `--help` and docs/options.md come from it. */
export const optionTable = {
  address: address({
    flag: "--addr <ADDR>",
    group: "listening",
    default: "0.0.0.0:9000",
    help: "Address to listen on; port 0 picks a free one",
  }),
  oneshot: flag({
    flag: "--oneshot",
    group: "listening",
    help: "Serve one client in all, then exit",
  }),

  binary: flag({
    flag: "-b, --binary",
    group: "messages",
    help: "Pass bytes through as they come, as binary messages, without lines or framing",
  }),
  frame: choice({
    flag: "--frame [MODE]",
    group: "messages",
    choices: ["binary", "json"],
    aliases: frameAliases,
    bare: "binary",
    help:
      "Tell the process who sent each message, and let it answer single clients: by an `id` field (json), " +
      "or by a header before each message as in gwsocket's strict mode (binary, or gwsocket)",
  }),
  clientFrame: choice({
    flag: "--clientframe <MODE>",
    group: "messages",
    choices: ["lines", "binary", "json"],
    aliases: frameAliases,
    help: "The framing of what clients say to the process only, as in --frame or without any (lines)",
  }),
  serverFrame: choice({
    flag: "--serverframe <MODE>",
    group: "messages",
    choices: ["lines", "binary", "json"],
    aliases: frameAliases,
    help: "The framing of what the process says to clients only, as in --frame or without any (lines)",
  }),
  fromField: fieldName({
    flag: "--fromfield <NAME>",
    group: "messages",
    default: "id",
    help: "The field in which the process reads who sent a message (JSON framing)",
  }),
  toField: fieldName({
    flag: "--tofield <NAME>",
    group: "messages",
    default: "id",
    help: "The field in which the process says whom a message is for (JSON framing)",
  }),
  delimiters: delimiters({
    flag: "--delimiters <CHARS>",
    group: "messages",
    help:
      "What ends a message of the process instead of a newline: any of these characters; what clients say ends with " +
      "the first of them",
  }),
  nullDelimited: flag({
    flag: "--null",
    group: "messages",
    help: "Messages end with a NUL character both ways, as with --delimiters='\\0'",
  }),
  cache: cache({
    flag: "--cache <SIZE>",
    group: "messages",
    help:
      "Keep the last SIZE messages for everyone and send them to each client that joins; with tagged:SIZE only those " +
      'in which the process writes `"_cache":true` (JSON framing)',
  }),
  cachePersist: flag({
    flag: "--cachepersist",
    group: "messages",
    help: "Keep these messages also when the room's process ends, for its next one",
  }),
  joinMessage: text({
    flag: "--joinmsg <MSG>",
    group: "messages",
    help:
      "Send this to the process when a client joins; #ID, #ROOM, #QUERY_<NAME> and CGI variables such as " +
      "#REMOTE_ADDR are replaced",
  }),
  leaveMessage: text({
    flag: "--leavemsg <MSG>",
    group: "messages",
    help: "Send this to the process when a client leaves; replaced as in --joinmsg",
  }),

  tcp: flag({
    flag: "--tcp",
    group: "process",
    help: "Talk with the process over TCP instead of stdin and stdout: it listens on 127.0.0.1, on the port in PORT",
  }),
  tcpPorts: portRange({
    flag: "--tcpports <START:END>",
    group: "process",
    default: "9001:9999",
    help: "Ports for --tcp, one for each room",
  }),
  attachDelayMs: seconds({
    flag: "--cmd-attach-delay <SECONDS>",
    group: "process",
    min: 0,
    max: 3600,
    help:
      "Let messages to a new process wait this long; without it they do not wait, and --tcp tries to connect " +
      "until the process listens",
  }),
  passedVariables: variableNames({
    flag: "--passenv <LIST>",
    group: "process",
    default: "PATH,DYLD_LIBRARY_PATH",
    help: "Environment variables of the server that each process gets",
  }),
  killGraceMs: seconds({
    flag: "--killgrace <SECONDS>",
    group: "process",
    min: 0,
    max: 3600,
    default: 5,
    help: "Time between SIGTERM and SIGKILL for a process that is to end",
  }),

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

  staticDir: text({
    flag: "--staticdir <DIR>",
    group: "http",
    help: "Serve the files of this folder over HTTP",
  }),
  metrics: flag({
    flag: "--metrics",
    group: "http",
    help: "Serve metrics at /metrics in OpenMetrics format",
  }),
  stats: flag({
    flag: "--stats",
    group: "http",
    help: "Serve statistics of each open room at /<ROOM>/stats, and single ones at /<ROOM>/stats/<STATISTIC>",
  }),

  compat: choice({
    flag: "--compat <VERSION>",
    group: "compat",
    choices: ["0.2"],
    help:
      "Read the command line as this version of the original did: 0.2 has fields _from and _to, --frame alone is " +
      "json, and --json is JSON framing with join and leave messages",
  }),

  logJson: flag({
    flag: "--json",
    group: "logging",
    help: "Log as JSON, one object a line",
  }),
  verbosity: count({
    flag: "-v, --verbose",
    group: "logging",
    max: 2,
    help: "Log more: -v also who comes and goes, -vv also the size of all that passes through",
  }),
} as const;

export type OptionName = keyof typeof optionTable;

type ValueOf<Spec> = Spec extends OptionSpec<infer Value> ? Value : never;

/** Every option with its value; undefined where it has no default and was not given. */
export type Options = {
  readonly [Name in OptionName]: Name extends "frame" | "clientFrame" | "serverFrame" | "attachDelayMs" | "compat"
    ? ValueOf<(typeof optionTable)[Name]> | undefined
    : ValueOf<(typeof optionTable)[Name]>;
};

export const optionNames = Object.keys(optionTable) as OptionName[];
