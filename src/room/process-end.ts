import { closeCodes } from "../close-codes.ts";
import { messageOf, RefusedError } from "../errors.ts";
import { exitText } from "../exit-text.ts";
import type { ProcessExit } from "../links.ts";
import type { ProcessOutcome } from "./counters.ts";

/** What the end of a process means to its room. */
export interface ProcessEnd {
  /** All but "success" is a failure. */
  readonly outcome: ProcessOutcome;
  /** For the log. */
  readonly text: string;
  /** With what clients are closed where they do not get another process. */
  readonly closing: { readonly code: number; readonly reason: string };
}

const { normal, processFailed, tryAgainLater } = closeCodes;

/** The end of a process that has exited: with code 0, too, where it was asked to since it was at fault. */
export function endOfExit(exit: ProcessExit, isUnreadable: boolean): ProcessEnd {
  const { code, signal, fault } = exit;
  const text = exitText(exit);
  if (code === 0 && fault === undefined && !isUnreadable) {
    return { outcome: "success", text, closing: { code: normal.code, reason: "" } };
  }
  const outcome = signal === null ? "failure" : "signal";
  return { outcome, text, closing: { code: processFailed.code, reason: text } };
}

/** The end of a process that did not come to be. */
export function endOfFailedStart(error: unknown): ProcessEnd {
  const { code } = error instanceof RefusedError ? tryAgainLater : processFailed;
  const text = messageOf(error);
  return { outcome: "not_started", text, closing: { code, reason: text } };
}
