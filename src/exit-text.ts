import type { ProcessExit } from "./links.ts";

/** How a process ended, for the clients and the log. */
export function exitText({ code, signal, fault }: ProcessExit): string {
  return fault ?? (signal === null ? `process exited with code ${code}` : `process ended by ${signal}`);
}
