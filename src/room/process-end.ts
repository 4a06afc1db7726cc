import { closeCodes } from "../close-codes.ts";
import { messageOf, RefusedError } from "../errors.ts";
import { exitText } from "../exit-text.ts";
import type { ProcessExit } from "../links.ts";
import type { ProcessOutcome } from "./counters.ts";

/** What the end of a process means to its room. */
export interface ProcessEnd {
  readonly outcome: ProcessOutcome;
  readonly hasFailed: boolean;
  /** For the log. */
  readonly text: string;
  /** With what clients are closed where they do not get another process. */
  readonly closing: { readonly code: number; readonly reason: string };
}

const { normal, processFailed, tryAgainLater } = closeCodes;

export function endOfExit(exit: ProcessExit): ProcessEnd {
  const { code, signal, fault } = exit;
  const text = exitText(exit);
  if (signal === null && code === 0 && fault === undefined) {
    return { outcome: "success", hasFailed: false, text, closing: { code: normal.code, reason: "" } };
  }
  const outcome = signal !== null ? "signal" : code === 0 ? "success" : "failure";
  return { outcome, hasFailed: true, text, closing: { code: processFailed.code, reason: text } };
}

/** The end of a process that did not come to be. */
export function endOfFailedStart(error: unknown): ProcessEnd {
  const { code } = error instanceof RefusedError ? tryAgainLater : processFailed;
  const text = messageOf(error);
  return { outcome: "not_started", hasFailed: true, text, closing: { code, reason: text } };
}
