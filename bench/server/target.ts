import { fileURLToPath } from "node:url";

/** A server that is measured, as the shell command that starts it. */
export interface Target {
  readonly name: string;
  /** With `{addr}`, `{frame}` and `{program}` where these belong. */
  readonly command: string;
}

/** What a load has a server run with. */
export interface Wrapped {
  /** Options, such as `--frame=json`. */
  readonly options: readonly string[];
  /** The program and its arguments. */
  readonly program: readonly [string, ...string[]];
}

const bin = fileURLToPath(new URL("../../../bin/scalesocket.js", import.meta.url));

/** This project's own server, as it was built last. */
export const ourTarget: Target = {
  name: "scalesocket",
  command: `${quote(process.execPath)} ${quote(bin)} --addr {addr} {frame} {program}`,
};

/** Our server with its rooms in the process that is started, without workers. */
export function inOneProcess(target: Target): Target {
  return { ...target, command: target.command.replace("--addr", "--workers 0 --addr") };
}

/** Fills in the placeholders; those of options and program may be missing, and are then added at the end. */
export function fillIn(template: string, address: string, { options, program }: Wrapped): string {
  const withProgram = template.includes("{program}") ? template : `${template} {program}`;
  const complete = withProgram.includes("{frame}")
    ? withProgram
    : withProgram.replace("{program}", "{frame} {program}");
  const [command, ...args] = program;
  const programWords = args.length === 0 ? [command] : [command, "--", ...args];
  return complete
    .replaceAll("{addr}", address)
    .replaceAll("{frame}", () => options.map(quote).join(" "))
    .replaceAll("{program}", () => programWords.map(quote).join(" "));
}

/** One word for the shell, whatever is in it. */
function quote(word: string): string {
  return `'${word.replaceAll("'", String.raw`'\''`)}'`;
}
