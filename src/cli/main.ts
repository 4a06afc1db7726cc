import { messageOf, ServerError } from "../errors.ts";
import { createServer, type Server, type ServerAddress } from "../index.ts";
import type { Logger } from "../logger.ts";
import { Notifier } from "../systemd/notifier.ts";
import { passedSockets } from "../systemd/passed-sockets.ts";
import { takeVariables } from "../systemd/variables.ts";
import { type CommandLine, parseCommandLine } from "./command-line.ts";
import { createLogger } from "./log.ts";

const exitCodes = { done: 0, failure: 1, usage: 2 } as const;
const usageErrors = new Set(["ERR_USAGE", "ERR_STATIC_DIR", "ERR_TLS"]);
const endingSignals = ["SIGTERM", "SIGINT"] as const;

/** Runs the command line tool and resolves to its exit code. */
export async function main(words: readonly string[], environment: NodeJS.ProcessEnv): Promise<number> {
  try {
    const commandLine = parseCommandLine(words, environment);
    if (commandLine.kind === "run") return await run(commandLine, environment);
    process.stdout.write(commandLine.text);
    return exitCodes.done;
  } catch (error) {
    if (!(error instanceof ServerError)) throw error;
    const isUsage = usageErrors.has(error.code);
    const hint = isUsage ? "\nTry scalesocket --help." : "";
    process.stderr.write(`scalesocket: ${messageOf(error)}${hint}\n`);
    return isUsage ? exitCodes.usage : exitCodes.failure;
  }
}

async function run(commandLine: CommandLine & { kind: "run" }, environment: NodeJS.ProcessEnv): Promise<number> {
  const { command, args, options } = commandLine;
  const logger = await createLogger(options, environment);
  const variables = takeVariables(environment);
  const sockets = await passedSockets(variables, process.pid, logger);
  const notifier = new Notifier(variables, process.pid, logger);
  const server = createServer({ ...options, command, args, environment, sockets }, logger);
  const forgetSignals = obeySignals(server, notifier, logger);
  try {
    const addresses = await server.start();
    greet(addresses, options.staticDir !== undefined, logger);
    notifier.ready(`listening on ${addresses.map(({ name }) => name).join(", ")}`);
    await server.stopped;
  } finally {
    forgetSignals();
    await notifier.close();
  }
  return exitCodes.done;
}

/** The first signal stops the server in order, a second one at once. */
function obeySignals(server: Server, notifier: Notifier, logger: Logger): () => void {
  let isStopping = false;
  const onSignal = (signal: NodeJS.Signals): void => {
    if (isStopping) {
      logger.warn(`${signal}: killing what is left`);
      server.kill();
      return;
    }
    isStopping = true;
    logger.info(`${signal}: shutting down`);
    notifier.stopping();
    void server.stop();
  };
  for (const signal of endingSignals) process.on(signal, onSignal);
  return () => {
    for (const signal of endingSignals) process.off(signal, onSignal);
  };
}

/** What is at an address that is not for rooms. */
const greetings = { rooms: "", admin: " for operators", redirect: " to redirect to https" } as const;

function greet(addresses: readonly ServerAddress[], hasFiles: boolean, logger: Logger): void {
  for (const { name, purpose } of addresses) logger.info(`listening on ${name}${greetings[purpose]}`);
  const first = addresses.find(({ port }) => port !== undefined);
  if (first?.purpose !== "rooms") return;
  const { scheme, host, port, name } = first;
  const place = host === "0.0.0.0" || host === "::" ? `localhost:${port}` : name;
  if (hasFiles) logger.info(`open ${scheme}://${place} in a browser`);
  else logger.info(`connect a websocket to ${scheme === "https" ? "wss" : "ws"}://${place}/<room>`);
}
