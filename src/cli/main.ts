import { setFlagsFromString } from "node:v8";
import { compilerFlags } from "../system/compiler-flags.ts";
import { messageOf, ServerError } from "../errors.ts";
import { createServer, type ServerAddress } from "../index.ts";
import type { Logger } from "../logger.ts";
import type { Options } from "../options.ts";
import { Notifier } from "../systemd/notifier.ts";
import { passedSockets } from "../systemd/passed-sockets.ts";
import { takeVariables } from "../systemd/variables.ts";
import { keepYoungGenerationSmall } from "../system/young-generation.ts";
import { type CommandLine, parseCommandLine } from "./command-line.ts";
import { createLogger } from "./log.ts";
import { obeySignals } from "./signals.ts";

const exitCodes = { done: 0, failure: 1, usage: 2 } as const;
const usageErrors = new Set(["ERR_USAGE", "ERR_STATIC_DIR", "ERR_TLS", "ERR_AUTH_FILE"]);

/** Runs the command line tool and resolves to its exit code. */
export async function main(words: readonly string[], environment: NodeJS.ProcessEnv): Promise<number> {
  for (const flag of compilerFlags) setFlagsFromString(flag);
  let logger: Logger | undefined;
  try {
    const commandLine = parseCommandLine(words, environment);
    if (commandLine.kind === "run") {
      logger = await createLogger(commandLine.options, environment);
      return await run(commandLine, environment, logger);
    }
    const fault = await write(process.stdout, commandLine.text);
    if (!fault) return exitCodes.done;
    await write(process.stderr, `scalesocket: cannot write to stdout: ${messageOf(fault)}\n`);
    return exitCodes.failure;
  } catch (error) {
    if (!(error instanceof ServerError)) throw error;
    const isUsage = usageErrors.has(error.code);
    const hint = isUsage ? "\nTry scalesocket --help." : "";
    // What is wrong with the words is for the person who has written them, not for those who read the log.
    if (logger !== undefined && !isUsage) logger.error(messageOf(error));
    else await write(process.stderr, `scalesocket: ${messageOf(error)}${hint}\n`);
    return isUsage ? exitCodes.usage : exitCodes.failure;
  }
}

/** Resolves to the error where a text cannot be written: whoever reads it may be gone, or the disk be full. */
async function write(stream: NodeJS.WriteStream, text: string): Promise<Error | null | undefined> {
  // It comes as an event, too, and would be thrown there.
  stream.once("error", () => undefined);
  return new Promise((resolve) => stream.write(text, resolve));
}

async function run(
  { command, args, options }: CommandLine & { kind: "run" },
  environment: NodeJS.ProcessEnv,
  logger: Logger,
): Promise<number> {
  const variables = takeVariables(environment);
  const sockets = await passedSockets(variables, process.pid, logger);
  const notifier = new Notifier(variables, process.pid, logger);
  const server = createServer({ ...options, command, args, environment, sockets }, logger);
  const signals = obeySignals(server, options, notifier, logger);
  try {
    const addresses = await server.start();
    if (server.workers > 0) keepYoungGenerationSmall(process.execArgv, environment);
    // Who was asked to stop meanwhile does not say that it is ready.
    if (!server.isStopping) {
      greet(addresses, options, logger);
      greetHosts(server.impliedHosts, logger);
      notifier.ready(`listening on ${addresses.map(({ name }) => name).join(", ")}`);
    }
    await server.stopped;
  } catch (error) {
    // What was killed while it started has not failed.
    if (!(signals.haveKilled && error instanceof ServerError)) throw error;
  } finally {
    signals.forget();
    await notifier.close();
  }
  return exitCodes.done;
}

/** What is at an address that is not for rooms. */
const greetings = { rooms: "", admin: " for operators", redirect: " to redirect to https" } as const;

function greet(addresses: readonly ServerAddress[], { staticDir, basePath }: Options, logger: Logger): void {
  for (const { name, purpose } of addresses) logger.info(`listening on ${name}${greetings[purpose]}`);
  const first = addresses.find(({ port }) => port !== undefined);
  if (first?.purpose !== "rooms") return;
  const { scheme, host, port, name } = first;
  const place = host === "0.0.0.0" || host === "::" ? `localhost:${port}` : name;
  const websocketScheme = scheme === "https" ? "wss" : "ws";
  if (staticDir === undefined) logger.info(`connect a websocket to ${websocketScheme}://${place}${basePath}/<room>`);
  else logger.info(`open ${scheme}://${place}${basePath && `${basePath}/`} in a browser`);
}

/** Whoever puts a proxy before the server has to know why it is refused. */
function greetHosts(hosts: readonly string[] | undefined, logger: Logger): void {
  if (hosts === undefined) return;
  logger.info(`only requests for ${hosts.join(", ")} are answered; behind a proxy, name its host with --allowhost`);
}
