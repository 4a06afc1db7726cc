import { ProcessCalls } from "./process-calls.ts";

/** Has this process killed when its parent is gone, also where its own event loop hangs; where the system can. */
export function dieWithParent(): void {
  try {
    new ProcessCalls().dieWithParent();
  } catch {
    // Elsewhere the end of the channel to the parent must do.
  }
}
