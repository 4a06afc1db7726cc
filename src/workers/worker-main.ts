import type { Socket } from "node:net";
import { messageOf, ServerError } from "../errors.ts";
import { connectionOfDescriptor, connectionOfHandle } from "../system/lending-socket.ts";
import { dieWithParent } from "../system/parent.ts";
import { loadDescriptorPassing } from "./descriptor-passing.ts";
import type { FromWorker, ToWorker } from "./messages.ts";
import { Worker } from "./worker.ts";

/** Where `fork` puts the pipe that tells the supervisor when this process and its guardian are gone. */
const lifeDescriptor = 4;
/** Where it puts the channel that descriptors are passed through, if there is one. */
const channelDescriptor = 5;
const passing = loadDescriptorPassing();

let worker: Worker | undefined;

function send(message: FromWorker, onSent?: () => void): boolean {
  // Without a supervisor there is nobody to tell, and this process ends.
  return process.connected ? (process.send?.(message, undefined, {}, onSent) ?? true) : true;
}

async function start(message: ToWorker & { type: "start" }): Promise<void> {
  try {
    worker = await Worker.start(message, lifeDescriptor, send, () => process.disconnect());
    send({ type: "ready" });
  } catch (error) {
    if (!(error instanceof ServerError)) throw error;
    send({ type: "failed", code: error.code, message: messageOf(error) });
  }
}

/** The socket of a client, whose handle came with the message unless its descriptor was passed. */
function socketOf({ isPassed, request }: ToWorker & { type: "admit" }, handle: unknown): Socket | undefined {
  if (!isPassed) return handle === undefined || handle === null ? undefined : connectionOfHandle(handle);
  const descriptor = passing?.receive(channelDescriptor, request.connectionId);
  return descriptor === undefined ? undefined : connectionOfDescriptor(descriptor);
}

function onMessage(message: ToWorker, handle: unknown): void {
  if (message.type === "start") void start(message);
  else worker?.onMessage(message, message.type === "admit" ? socketOf(message, handle) : undefined);
}

// Signals may go to all processes, as those of a terminal do; the supervisor is the one that obeys them.
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP", "SIGUSR1", "SIGUSR2"]) process.on(signal, () => undefined);
process.on("message", onMessage);
// Whatever is left of rooms then, the guardian ends it.
process.on("disconnect", () => process.exit());
dieWithParent();
