import { closeSync, constants, openSync } from "node:fs";
import { isatty } from "node:tty";

const stdin = 0;
const stderr = 2;
const path = "/dev/tty";

/** The terminal that this process was started at, if it was. */
export class Terminal {
  readonly #descriptors = [stdin, stderr].filter((descriptor) => isatty(descriptor));
  readonly #isOurs = tryToOpen() === undefined;

  /** Whether it was there, and is no longer. */
  get isGone(): boolean {
    if (this.#descriptors.length === 0) return false;
    if (!this.#descriptors.some((descriptor) => isatty(descriptor))) return true;
    // When the shell ends that has started us, the terminal need not be closed, but it is ours no longer.
    return this.#isOurs && tryToOpen() === "ENXIO";
  }
}

/** Opens the terminal whose signals this process gets, if there is one; the code of the error if there is none. */
function tryToOpen(): string | undefined {
  try {
    closeSync(openSync(path, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY));
    return undefined;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code;
  }
}
