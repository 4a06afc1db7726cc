import { parseArgs, type ParseArgsConfig } from "node:util";

type Flags = NonNullable<ParseArgsConfig["options"]>;

/** Something on the command line is not as it should be. */
export class UsageError extends Error {}

/** Reads flags, and nothing else. @throws UsageError */
export function parseFlags<const Known extends Flags>(words: readonly string[], flags: Known) {
  try {
    return parseArgs({ args: [...words], options: flags, strict: true, allowPositionals: false }).values;
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}

/** A number in a range, or the default where the flag was not given. @throws UsageError */
export function numberOf(flag: string, text: string | undefined, range: NumberRange): number {
  if (text === undefined) return range.default;
  const value = /^\d+(\.\d+)?$/.test(text) ? Number(text) : Number.NaN;
  const isRight = value >= range.min && value <= range.max && (range.isWhole !== true || Number.isInteger(value));
  if (isRight) return value;
  throw new UsageError(
    `${flag}: expected ${range.isWhole === true ? "a whole number" : "a number"} from ${range.min} to ${range.max}, got ${JSON.stringify(text)}`,
  );
}

export interface NumberRange {
  readonly min: number;
  readonly max: number;
  readonly default: number;
  readonly isWhole?: true;
}

/** Runs a tool to its exit code: what it resolves to, or 2 after a usage error, which it tells. */
export async function runTool(name: string, tool: () => Promise<number>): Promise<number> {
  try {
    return await tool();
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    process.stderr.write(`${name}: ${error.message}\nTry --help.\n`);
    return 2;
  }
}
