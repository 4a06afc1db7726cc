import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { messageOf, ServerError } from "../errors.ts";
import { resolveCommand, standardPath } from "./resolve-command.ts";
import { commandNotStarted, type SpawnedProcess, type Spawner, type SpawnRequest } from "./spawner.ts";

const trialTimeoutMs = 10_000;

/** What each process may use at most; undefined where there is no bound but the system's. */
export interface ProcessLimits {
  /** Address space (RLIMIT_AS). */
  readonly limitMemoryBytes: number | undefined;
  readonly limitCpuSeconds: number | undefined;
  readonly limitFiles: number | undefined;
  /** Added to the server's own niceness. */
  readonly nice: number | undefined;
}

/**
 * How spawners are made to keep to the limits; they stay as they are where there is nothing to limit.
 * @throws ServerError ERR_LIMITS where the system cannot do that.
 */
export async function prepareLimits(
  limits: ProcessLimits,
  searchPath = standardPath,
): Promise<(spawner: Spawner) => Spawner> {
  try {
    const wrapper = [...(await niceWords(limits, searchPath)), ...(await prlimitWords(limits, searchPath))];
    if (wrapper.length === 0) return (spawner) => spawner;
    await tryOnce([...wrapper, ...(await findTool("true", searchPath))]);
    return (spawner) => new LimitedSpawner(spawner, wrapper, searchPath);
  } catch (error) {
    const message = `processes cannot be limited as ${flagsOf(limits)} asks: ${messageOf(error)}`;
    throw new ServerError("ERR_LIMITS", message, { cause: error });
  }
}

/** Starts commands through programs that set limits and then become the command, so that its pid and pipes stay. */
class LimitedSpawner implements Spawner {
  readonly #spawner: Spawner;
  readonly #wrapper: readonly string[];
  readonly #searchPath: string;

  constructor(spawner: Spawner, wrapper: readonly string[], searchPath: string) {
    this.#spawner = spawner;
    this.#wrapper = wrapper;
    this.#searchPath = searchPath;
  }

  async spawn(request: SpawnRequest): Promise<SpawnedProcess> {
    const { command, args } = request;
    try {
      // The wrapper would start in any case, and its exit code not tell what is wrong with the command.
      const words = [...this.#wrapper, ...(await resolveCommand(command, this.#searchPath)), ...args];
      return await this.#spawner.spawn({ ...request, command: words[0] as string, args: words.slice(1) });
    } catch (error) {
      throw commandNotStarted(command, error instanceof ServerError ? error.cause : error);
    }
  }
}

function flagsOf({ limitMemoryBytes, limitCpuSeconds, limitFiles, nice }: ProcessLimits): string {
  const flags = [
    ["--limit-memory", limitMemoryBytes],
    ["--limit-cpu", limitCpuSeconds],
    ["--limit-files", limitFiles],
    ["--nice", nice],
  ] as const;
  const given = flags.filter(([, value]) => value !== undefined);
  return given.map(([flag, value]) => `${flag}=${value}`).join(", ");
}

async function niceWords({ nice }: ProcessLimits, path: string): Promise<string[]> {
  return nice === undefined ? [] : [...(await findTool("nice", path)), "-n", String(nice), "--"];
}

async function prlimitWords(limits: ProcessLimits, path: string): Promise<string[]> {
  const { limitMemoryBytes: memory, limitCpuSeconds: cpu, limitFiles: files } = limits;
  const bounds = [
    memory === undefined ? [] : [`--as=${memory}`],
    // SIGXCPU at the limit tells why, and SIGKILL a second later ends whoever ignores it.
    cpu === undefined ? [] : [`--cpu=${cpu}:${cpu + 1}`],
    files === undefined ? [] : [`--nofile=${files}`],
  ].flat();
  return bounds.length === 0 ? [] : [...(await findTool("prlimit", path)), ...bounds, "--"];
}

async function findTool(name: string, path: string): Promise<string[]> {
  try {
    return await resolveCommand(name, path);
  } catch (error) {
    throw new Error(`${name}(1) is needed for that and not there`, { cause: error });
  }
}

/** Runs a program that does nothing, in the hope that it says nothing: nice(1) only warns where it cannot. */
async function tryOnce([file = "", ...args]: readonly string[]): Promise<void> {
  const complaint = await promisify(execFile)(file, args, { env: {}, timeout: trialTimeoutMs }).then(
    ({ stderr }) => stderr,
    (error: Error & { stderr?: string }) => error.stderr || error.message,
  );
  if (complaint !== "") throw new Error(complaint.trim());
}
