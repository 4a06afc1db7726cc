import { constants } from "node:os";
import { loadCLibrary } from "./c-library.ts";

// <sys/prctl.h>
const PR_SET_PDEATHSIG = 1;

/**
 * Has the system kill this process when the thread that has started it ends, also where its own event loop hangs; where the
 * system can.
 */
export function dieWithParent(): void {
  try {
    const prctl = loadCLibrary().find("int prctl(int option, ...)");
    prctl(PR_SET_PDEATHSIG, "unsigned long", constants.signals.SIGKILL);
  } catch {
    // Elsewhere the end of the channel to the parent must do.
  }
}
