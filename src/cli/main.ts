import type { AddressInfo } from "node:net";
import { messageOf, ServerError } from "../errors.ts";
import { createServer, type Server } from "../index.ts";
import type { Logger } from "../logger.ts";
import { type CommandLine, parseCommandLine } from "./command-line.ts";
import { createLogger } from "./log.ts";

const exitCodes = { done: 0, failure: 1, usage: 2 } as const;
const usageErrors = new Set(["ERR_USAGE", "ERR_STATIC_DIR", "ERR_AUTH_FILE"]);
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
  const server = createServer({ ...options, command, args, environment }, logger);
  const forgetSignals = obeySignals(server, logger);
  try {
    greet(await server.start(), options.staticDir !== undefined, logger);
    await server.stopped;
  } finally {
    forgetSignals();
  }
  return exitCodes.done;
}

/** The first signal stops the server in order, a second one at once. */
function obeySignals(server: Server, logger: Logger): () => void {
  let isStopping = false;
  const onSignal = (signal: NodeJS.Signals): void => {
    if (isStopping) {
      logger.warn(`${signal}: killing what is left`);
      server.kill();
      return;
    }
    isStopping = true;
    logger.info(`${signal}: shutting down`);
    void server.stop();
  };
  for (const signal of endingSignals) process.on(signal, onSignal);
  return () => {
    for (const signal of endingSignals) process.off(signal, onSignal);
  };
}

function greet({ address, family, port }: AddressInfo, hasFiles: boolean, logger: Logger): void {
  const isEverywhere = address === "0.0.0.0" || address === "::";
  const host = family === "IPv6" ? `[${address}]` : address;
  logger.info(`listening on ${host}:${port}`);
  const name = isEverywhere ? "localhost" : host;
  if (hasFiles) logger.info(`open http://${name}:${port} in a browser`);
  else logger.info(`connect a websocket to ws://${name}:${port}/<room>`);
}
