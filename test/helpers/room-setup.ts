import type { JoinRequest } from "../../src/join-request.ts";
import { Connection } from "../../src/room/connection.ts";
import { Room } from "../../src/room/room.ts";
import {
  type FakeContextOptions,
  fakeContext,
  FakeClientLink,
  type FakeLauncher,
  type FakeProcessLink,
  fakeRequest,
} from "./fakes.ts";

export interface RoomClient {
  readonly link: FakeClientLink;
  readonly request: JoinRequest;
  say(text: string): void;
  leave(): void;
}

/** One room, its launcher, and how often it was found empty. */
export class RoomSetup {
  readonly context;
  readonly room: Room;
  empty = 0;
  #lastId = 0;

  constructor(options: FakeContextOptions = {}) {
    this.context = fakeContext({ hasNotices: true, ...options });
    const { lingerMs } = this.context;
    this.room = new Room("room", this.context, { lingerMs, onEmpty: () => void (this.empty += 1) });
  }

  get launcher(): FakeLauncher {
    return this.context.launcher;
  }

  /** A client that was let in joins; ids count from 1. */
  join(): RoomClient {
    this.#lastId += 1;
    const connection = new Connection(this.#lastId, this.room, this.context.limits, this.context.counters);
    const link = new FakeClientLink();
    const request = fakeRequest();
    connection.open(link);
    this.room.join(connection, request);
    return {
      link,
      request,
      say: (text) => connection.onMessage(Buffer.from(text), false),
      leave: () => connection.onClose(),
    };
  }

  async enter(): Promise<RoomClient> {
    await this.room.admit();
    return this.join();
  }

  /** A client and the process that was started for it. */
  async enterRunning(): Promise<{ client: RoomClient; process: FakeProcessLink }> {
    const client = await this.enter();
    return { client, process: await this.launcher.process(1) };
  }

  /** A process that is asked to end since its only client has left. */
  async enterStopping(): Promise<FakeProcessLink> {
    const { client, process } = await this.enterRunning();
    client.leave();
    return process;
  }
}
