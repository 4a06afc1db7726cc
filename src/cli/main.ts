import type { AddressInfo } from "node:net";
import { messageOf, ServerError } from "../errors.ts";
import { createServer } from "../index.ts";
import type { Logger } from "../logger.ts";
import type { Options } from "../options.ts";
import { type CommandLine, parseCommandLine } from "./command-line.ts";
import { createLogger } from "./log.ts";
import { obeySignals } from "./signals.ts";

const exitCodes = { done: 0, failure: 1, usage: 2 } as const;
const usageErrors = new Set(["ERR_USAGE", "ERR_STATIC_DIR"]);

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
  const forgetSignals = obeySignals(server, options, logger);
  try {
    greet(await server.start(), options, logger);
    await server.stopped;
  } finally {
    forgetSignals();
  }
  return exitCodes.done;
}

function greet({ address, family, port }: AddressInfo, { staticDir, basePath }: Options, logger: Logger): void {
  const isEverywhere = address === "0.0.0.0" || address === "::";
  const host = family === "IPv6" ? `[${address}]` : address;
  logger.info(`listening on ${host}:${port}`);
  const name = isEverywhere ? "localhost" : host;
  if (staticDir === undefined) logger.info(`connect a websocket to ws://${name}:${port}${basePath}/<room>`);
  else logger.info(`open http://${name}:${port}${basePath && `${basePath}/`} in a browser`);
}
