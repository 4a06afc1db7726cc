import { once } from "node:events";
import { createServer as createHttpServer } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import type { HostSettings } from "../../src/host/host-settings.ts";
import type { RoomHost } from "../../src/host/room-host.ts";
import type { JoinRequest } from "../../src/join-request.ts";
import { completeOptions, type OptionName } from "../../src/options.ts";
import { stopReading } from "../../src/system/socket-handle.ts";
import { UnreadConnection } from "../../src/system/unread-connection.ts";
import { answerHandshake } from "../../src/websocket/handshake.ts";
import type { Door } from "./client.ts";
import { FakeLogger, fakeRequest } from "./fakes.ts";
import { workersOf } from "./processes.ts";

/** How many workers a host of rooms has; "local" is one that has the rooms itself. */
export type HostKind = "local" | number;

export interface HostOptions {
  readonly options?: { readonly [Name in OptionName]?: unknown };
}

/** A host of rooms behind a door on a free port of the loopback interface. */
export interface OpenHost extends Door, AsyncDisposable {
  readonly host: RoomHost;
  readonly logger: FakeLogger;
  /** The requests that were let through to the host so far. */
  readonly requests: readonly JoinRequest[];
  /** The ids of connections that the host has said to be gone, in that order. */
  readonly gone: readonly number[];
}

/** The built ones, since a worker runs a built file. */
const { LocalHost, WorkerHost, RefusalLog, refuse, createServer: createBuiltServer } = await importBuilt();

/** The built one, as the package offers it. */
export const createServer = createBuiltServer;

/** Starts a host that wraps these words. It drains when the scope ends. */
export async function openHost(
  kind: HostKind,
  [command = "", , ...args]: readonly string[],
  { options = {} }: HostOptions = {},
): Promise<OpenHost> {
  const settings: HostSettings = {
    command,
    args,
    variables: [["PATH", process.env["PATH"] ?? ""]],
    searchPath: process.env["PATH"],
    options: completeOptions(options),
    spares: 0,
  };
  const logger = new FakeLogger();
  const gone: number[] = [];
  const onClientGone = (connectionId: number): void => void gone.push(connectionId);
  const host =
    kind === "local"
      ? await LocalHost.start(settings, logger, { onClientGone })
      : await WorkerHost.start(kind, settings, logger, { onClientGone });
  const requests: JoinRequest[] = [];
  const door = createHttpServer();
  const sockets = new Set<Socket>();
  door.on("connection", (socket: Socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
  });
  door.on("upgrade", (request, socket: Socket, head) => {
    socket.on("error", () => undefined);
    stopReading(socket);
    const described = describe(requests.length + 1, request.url ?? "");
    requests.push(described);
    const { text: answer, isCompressing } = answerHandshake(request);
    const handshake = { connection: UnreadConnection.ofSocket(socket), head, answer, isCompressing };
    try {
      host.admit(described, handshake);
    } catch (error) {
      refuse(socket, error, new RefusalLog(logger), { addressOf: () => described.remoteAddress });
    }
  });
  door.listen({ host: "127.0.0.1", port: 0 });
  await once(door, "listening");
  return {
    host,
    logger,
    requests,
    gone,
    port: (door.address() as AddressInfo).port,
    log: () => logger.lines.join("\n"),
    async [Symbol.asyncDispose]() {
      const drained = host.drain();
      host.kill();
      await drained;
      door.close();
      for (const socket of sockets) socket.destroy();
      await once(door, "close");
    },
  };
}

/** Holds up all workers of this process until they are let go, or the scope ends. */
export function holdWorkers(): Disposable & { letGo(): void } {
  const pids = workersOf();
  const signal = (name: NodeJS.Signals): void => {
    for (const pid of pids) process.kill(pid, name);
  };
  signal("SIGSTOP");
  return { letGo: () => signal("SIGCONT"), [Symbol.dispose]: () => signal("SIGCONT") };
}

function describe(connectionId: number, url: string): JoinRequest {
  return { ...fakeRequest(url.slice(1)), connectionId, url };
}

async function importBuilt() {
  const local = (await built("host/local-host")) as typeof import("../../src/host/local-host.ts");
  const worker = (await built("workers/worker-host")) as typeof import("../../src/workers/worker-host.ts");
  const refusal = (await built("host/refusal")) as typeof import("../../src/host/refusal.ts");
  const log = (await built("host/refusal-log")) as typeof import("../../src/host/refusal-log.ts");
  const index = (await built("index")) as typeof import("../../src/index.ts");
  return {
    createServer: index.createServer,
    LocalHost: local.LocalHost,
    WorkerHost: worker.WorkerHost,
    RefusalLog: log.RefusalLog,
    refuse: refusal.refuse,
  };
}

async function built(path: string): Promise<unknown> {
  return import(new URL(`../../dist/${path}.js`, import.meta.url).href);
}
