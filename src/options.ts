import {
  address,
  choice,
  count,
  flag,
  integer,
  type OptionSpec,
  portRange,
  seconds,
  size,
  text,
  variableNames,
} from "./option-kinds.ts";

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
    bare: "binary",
    help:
      "Tell the process who sent each message, and let it answer single clients: by an `id` field (json), " +
      "or by a header before each message as in gwsocket's strict mode (binary)",
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
    aliases: [{ flag: "--delay <SECONDS>" }],
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
  prewarm: integer({
    flag: "--prewarm <NUM>",
    group: "process",
    min: 0,
    max: 1000,
    default: 0,
    help:
      "Start so many processes ahead for rooms to come; processes then know neither ROOM nor the CGI variables, which " +
      "--joinmsg can tell them",
  }),
  stderr: choice({
    flag: "--stderr <TARGET>",
    group: "process",
    choices: ["inherit", "log", "clients"],
    default: "inherit",
    help:
      "Where the stderr of processes goes: to the server's own, line by line into the log, or into the log and to the " +
      'clients of the room, as {"stream":"stderr","data":"..."} beside {"stream":"stdout","data":"..."}',
  }),
  limitMemoryBytes: size({
    flag: "--limit-memory <SIZE>",
    group: "process",
    min: "1M",
    max: "65536G",
    help: "Most memory that each process may map, used or not: its address space (RLIMIT_AS)",
  }),
  limitCpuSeconds: integer({
    flag: "--limit-cpu <SECONDS>",
    group: "process",
    min: 1,
    max: 1_000_000_000,
    help: "Most processor time of each process; SIGXCPU ends it then, and SIGKILL a second later",
  }),
  limitFiles: integer({
    flag: "--limit-files <NUM>",
    group: "process",
    min: 4,
    max: 4_294_967_295,
    help: "Most descriptors that each process may have open",
  }),
  nice: integer({
    flag: "--nice <NUM>",
    group: "process",
    min: -20,
    max: 19,
    help: "Let each process yield to others (above 0) or go before them (below 0, needs privileges), as nice(1)",
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

  log: choice({
    flag: "--log <FORMAT>",
    aliases: [{ flag: "--json", means: "json" }],
    group: "logging",
    choices: ["text", "json"],
    default: "text",
    help: "Log as text for people, or as JSON, one object a line",
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
  readonly [Name in OptionName]: Name extends
    | "frame"
    | "attachDelayMs"
    | "limitMemoryBytes"
    | "limitCpuSeconds"
    | "limitFiles"
    | "nice"
    ? ValueOf<(typeof optionTable)[Name]> | undefined
    : ValueOf<(typeof optionTable)[Name]>;
};

export const optionNames = Object.keys(optionTable) as OptionName[];
