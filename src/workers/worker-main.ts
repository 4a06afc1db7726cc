import type { Socket } from "node:net";
import { messageOf, ServerError } from "../errors.ts";
import { connectionOf } from "../lending-socket.ts";
import { dieWithParent } from "../process/parent.ts";
import type { FromWorker, ToWorker } from "./messages.ts";
import { Worker } from "./worker.ts";

/** Where `fork` puts the pipe that tells the supervisor when this process and its guardian are gone. */
const lifeDescriptor = 4;

let worker: Worker | undefined;

function send(message: FromWorker, onSent?: () => void): boolean {
  // Without a supervisor there is nobody to tell, and this process ends.
  return process.connected ? (process.send?.(message, undefined, {}, onSent) ?? true) : true;
}

async function start(message: ToWorker & { type: "start" }): Promise<void> {
  try {
    worker = await Worker.start(message, lifeDescriptor, send);
    send({ type: "ready" });
  } catch (error) {
    if (!(error instanceof ServerError)) throw error;
    send({ type: "failed", code: error.code, message: messageOf(error) });
  }
}

/** A client's socket, made of the handle that was handed over. */
function socketOf(handle: unknown): Socket | undefined {
  return handle === undefined || handle === null ? undefined : connectionOf(handle);
}

function onMessage(message: ToWorker, handle: unknown): void {
  if (message.type === "start") void start(message);
  else if (message.type === "admit") worker?.admit(message, socketOf(handle));
  else if (message.type === "drain") void worker?.drain(message.plan).then(() => process.disconnect());
  else worker?.onMessage(message);
}

// Signals may go to all processes, as those of a terminal do; the supervisor is the one that obeys them.
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP", "SIGUSR2"]) process.on(signal, () => undefined);
process.on("message", onMessage);
// Whatever is left of rooms then, the guardian ends it.
process.on("disconnect", () => process.exit());
dieWithParent();
