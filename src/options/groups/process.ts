import { portRange } from "../address-kinds.ts";
import { choice, flag, integer, seconds, size } from "../kinds.ts";
import { variableNames } from "../name-kinds.ts";

/** How processes are started, what they get and what they may use. */
export const processOptions = {
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
  stderr: choice({
    flag: "--stderr <TARGET>",
    group: "process",
    choices: ["inherit", "log", "clients"],
    default: "inherit",
    help:
      "Where the stderr of processes goes: to the server's own, line by line into the log, or into the log and to the " +
      'clients of the room, as {"stream":"stderr","data":"..."} beside {"stream":"stdout","data":"..."}',
  }),
  prewarm: integer({
    flag: "--prewarm <NUM>",
    group: "process",
    min: 0,
    max: 1000,
    default: 0,
    help:
      "Start so many processes ahead for rooms to come, shared out over the workers; processes then know " +
      "neither ROOM nor the CGI variables, which --joinmsg can tell them",
  }),
  killGraceMs: seconds({
    flag: "--killgrace <SECONDS>",
    group: "process",
    min: 0,
    max: 3600,
    default: 5,
    help: "Time between SIGTERM and SIGKILL for a process that is to end",
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
} as const;
