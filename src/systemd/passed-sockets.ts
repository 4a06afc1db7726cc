import { messageOf, ServerError } from "../errors.ts";
import type { PassedSocket } from "../listening/place.ts";
import type { Logger } from "../logger.ts";
import type { SocketCalls, SocketTraits } from "./socket-calls.ts";
import type { SystemdVariables } from "./variables.ts";

/** Where the descriptors begin that are passed (sd_listen_fds(3)). */
const firstDescriptor = 3;
const maxSockets = 1000;

/**
 * The sockets that systemd has made for the process with this pid.
 * @throws ServerError ERR_LISTEN where what was passed cannot be listened on.
 */
export async function passedSockets(
  variables: SystemdVariables,
  pid: number,
  logger: Logger,
): Promise<readonly PassedSocket[]> {
  const { LISTEN_PID, LISTEN_FDS, LISTEN_FDNAMES = "" } = variables;
  if (LISTEN_FDS === undefined || LISTEN_PID !== String(pid)) return [];
  const count = Number(LISTEN_FDS);
  if (!/^\d+$/.test(LISTEN_FDS) || count > maxSockets) {
    const expected = `expected a number of sockets up to ${maxSockets}`;
    throw new ServerError("ERR_LISTEN", `LISTEN_FDS: ${expected}, got ${JSON.stringify(LISTEN_FDS)}`);
  }
  const names = LISTEN_FDNAMES.split(":");
  const describe = count === 0 ? undefined : await descriptionsOfSockets(logger);
  return Array.from({ length: count }, (_each, index) => {
    const descriptor = firstDescriptor + index;
    const name = names[index] || "unknown";
    return { descriptor, name, unixPath: describe?.(descriptor, name) };
  });
}

/** Tells the path of a unix socket, and who is no socket that can be listened on. Undefined where that cannot be found out. */
async function descriptionsOfSockets(
  logger: Logger,
): Promise<((descriptor: number, name: string) => string | undefined) | undefined> {
  const module = await import("./socket-calls.ts");
  let calls: SocketCalls;
  try {
    calls = new module.SocketCalls();
  } catch (error) {
    logger.warn(`passed sockets are taken for TCP, since the C library cannot be asked: ${messageOf(error)}`);
    return undefined;
  }
  return (descriptor, name) => {
    const { isListening, unixPath } = describeWith(calls, descriptor, name);
    if (isListening) return unixPath;
    throw refused(
      descriptor,
      name,
      "it does not listen; a socket unit with Accept=no and ListenStream= makes one that does",
    );
  };
}

function describeWith(calls: SocketCalls, descriptor: number, name: string): SocketTraits {
  try {
    return calls.describe(descriptor);
  } catch (error) {
    throw refused(descriptor, name, messageOf(error));
  }
}

function refused(descriptor: number, name: string, reason: string): ServerError {
  return new ServerError("ERR_LISTEN", `cannot listen on descriptor ${descriptor} (${name}): ${reason}`);
}
