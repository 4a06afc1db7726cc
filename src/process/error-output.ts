import type { ProcessEvents } from "../links.ts";
import type { Lifetime } from "./lifetime.ts";
import type { SpawnedProcess } from "./spawner.ts";

/** Hands out what a process writes to its stderr, where that comes to us. */
export function listenToErrors({ stderr }: SpawnedProcess, events: ProcessEvents, lifetime: Lifetime): void {
  stderr?.on("data", (chunk: Buffer) => events.onErrorChunk(chunk));
  stderr?.on("error", () => undefined);
  stderr?.on("close", () => lifetime.errorOutputEnded());
}
