import type { Socket } from "node:net";
import { afterEach, describe, expect, test, vi } from "vitest";
import { UnreadConnection } from "../../../src/system/unread-connection.ts";
import { type Arrival, HandOver } from "../../../src/workers/hand-over.ts";
import { maxUnderWay, type ToWorker } from "../../../src/workers/messages.ts";
import { fakeRequest } from "../../helpers/fakes.ts";

/** A socket as far as it is handed over. */
class FakeSocket {
  isDestroyed = false;

  /** Without a descriptor it is closed. */
  constructor(descriptor: number | undefined) {
    Object.assign(this, { _handle: descriptor === undefined ? null : { fd: descriptor } });
  }

  destroy(): void {
    this.isDestroyed = true;
  }
}

/** What a worker is told and given. */
class Setup {
  readonly messages: ToWorker[] = [];
  readonly handles: unknown[] = [];
  readonly passed: number[] = [];
  readonly refused: number[] = [];
  readonly sockets = new Map<number, FakeSocket>();
  /** Whether the system takes another descriptor. */
  isFull = false;
  readonly handOver: HandOver;

  constructor(isPassing: boolean) {
    const pass = (descriptor: number): boolean => {
      if (!this.isFull) this.passed.push(descriptor);
      return !this.isFull;
    };
    this.handOver = new HandOver({
      send: (message, handle) => {
        this.messages.push(message);
        if (handle !== undefined) this.handles.push(handle);
      },
      passDescriptor: isPassing ? pass : undefined,
      onRefused: ({ request }) => this.refused.push(request.connectionId),
    });
  }

  /** The ids of those that the worker was told of, with how their sockets come. */
  get told(): [number, boolean][] {
    return this.messages.flatMap((message) =>
      message.type === "admit" ? [[message.request.connectionId, message.isPassed] as [number, boolean]] : [],
    );
  }

  /** The ids of those whose sockets are not ours any more. */
  get let(): number[] {
    return [...this.sockets].flatMap(([id, { isDestroyed }]) => (isDestroyed ? [id] : []));
  }

  /** Clients with these ids, whose descriptors are a hundred higher. */
  admit(...ids: readonly number[]): void {
    for (const id of ids) this.#admit(id, new FakeSocket(100 + id));
  }

  admitClosed(id: number): void {
    this.#admit(id, new FakeSocket(undefined));
  }

  #admit(id: number, socket: FakeSocket): void {
    this.sockets.set(id, socket);
    const request = { ...fakeRequest("a"), connectionId: id };
    const handshake = {
      connection: UnreadConnection.ofSocket(socket as unknown as Socket),
      answer: "101",
      isCompressing: false,
      head: Buffer.from("x"),
    };
    this.handOver.admit({ request, handshake } satisfies Arrival);
  }
}

afterEach(() => void vi.useRealTimers());

const many = Array.from({ length: maxUnderWay + 10 }, (_each, index) => index + 1);

describe.each([
  ["descriptors are passed", true],
  ["Node hands over", false],
])("where %s", (_name, isPassing) => {
  test("clients wait until the worker can take some", () => {
    const setup = new Setup(isPassing);
    setup.admit(1, 2);
    expect(setup.told).toEqual([]);
    expect(setup.passed.length + setup.handles.length).toBe(0);
    expect(setup.handOver.waiting).toBe(2);
  });

  test("a socket that is closed is only told of", () => {
    const setup = new Setup(isPassing);
    setup.handOver.open();
    setup.admitClosed(1);
    setup.admitClosed(2);
    expect(setup.told).toEqual([
      [1, false],
      [2, false],
    ]);
    expect(setup.passed.length + setup.handles.length).toBe(0);
    expect(setup.handOver.waiting).toBe(0);
  });

  test("our name of a socket is kept until it has arrived", () => {
    const setup = new Setup(isPassing);
    setup.handOver.open();
    setup.admit(1, 2);
    expect(setup.let).toEqual([]);
    setup.handOver.arrived(1);
    expect(setup.let).toEqual([1]);
    setup.handOver.arrived(1);
    expect(setup.let).toEqual([1, 2]);
    expect(setup.refused).toEqual([]);
  });

  test("those who wait can be refused, of which the worker takes note, and those under way still come", () => {
    const setup = new Setup(isPassing);
    setup.handOver.open();
    setup.admit(...many);
    const { length } = setup.told;
    setup.handOver.refuseWaiting();
    expect(setup.refused).toEqual(many.slice(length));
    expect(setup.told.slice(length)).toEqual(many.slice(length).map((id) => [id, false]));
    expect(setup.handles.length + setup.passed.length).toBe(length);
    expect(setup.handOver.waiting).toBe(0);
    setup.handOver.arrived(length);
    expect(setup.let).toEqual(many.slice(0, length));
    expect(setup.told).toHaveLength(many.length);
  });

  test("it can be told since when nobody has arrived, though some are under way", () => {
    vi.useFakeTimers();
    const setup = new Setup(isPassing);
    setup.handOver.open();
    expect(setup.handOver.stuckSince).toBeUndefined();
    const start = performance.now();
    setup.admit(1);
    vi.advanceTimersByTime(1000);
    setup.admit(2, 3);
    expect(setup.handOver.stuckSince).toBe(start);
    setup.handOver.arrived(0);
    expect(setup.handOver.stuckSince).toBe(start);
    setup.handOver.arrived(1);
    expect(setup.handOver.stuckSince).toBe(start + 1000);
    for (let left = 2; left > 0; left -= 1) setup.handOver.arrived(1);
    expect(setup.handOver.stuckSince).toBeUndefined();
  });

  test("at the worker's end those who wait are given back, and those under way let go", () => {
    const setup = new Setup(isPassing);
    setup.handOver.open();
    setup.admit(...many);
    const { length } = setup.told;
    expect(setup.handOver.waiting).toBe(many.length - length);
    const stranded = setup.handOver.close().map(({ request }) => request.connectionId);
    expect(stranded).toEqual(many.slice(length));
    expect(setup.let).toEqual(many.slice(0, length));
    setup.handOver.proceed();
    expect(setup.told).toHaveLength(length);
  });
});

describe("where descriptors are passed", () => {
  test("many are under way at once, each ahead of what is said of it", () => {
    const setup = new Setup(true);
    setup.admit(...many);
    expect(setup.messages).toEqual([]);
    setup.handOver.open();
    const first = many.slice(0, maxUnderWay);
    expect(setup.told).toEqual(first.map((id) => [id, true]));
    expect(setup.passed).toEqual(first.map((id) => 100 + id));
    expect(setup.handles).toEqual([]);
    setup.handOver.arrived(3);
    expect(setup.passed).toEqual(many.slice(0, maxUnderWay + 3).map((id) => 100 + id));
    expect(setup.let).toEqual([1, 2, 3]);
  });

  test("what comes first goes along", () => {
    const setup = new Setup(true);
    setup.handOver.open();
    setup.admit(1);
    expect(setup.messages[0]).toMatchObject({ answer: "101", headBase64: Buffer.from("x").toString("base64") });
  });

  test("whom the system does not take waits, and those behind as well", () => {
    const setup = new Setup(true);
    setup.handOver.open();
    setup.admit(1);
    setup.isFull = true;
    setup.admit(2, 3);
    expect(setup.told).toEqual([[1, true]]);
    expect(setup.handOver.waiting).toBe(2);
    setup.handOver.proceed();
    expect(setup.handOver.waiting).toBe(2);
    setup.isFull = false;
    setup.handOver.proceed();
    expect(setup.passed).toEqual([101, 102, 103]);
    expect(setup.handOver.waiting).toBe(0);
  });

  test("whom the worker had no descriptor for is still ours", () => {
    const setup = new Setup(true);
    setup.handOver.open();
    setup.admit(1, 2, 3);
    setup.handOver.arrived(3, [2]);
    expect(setup.refused).toEqual([2]);
    expect(setup.let).toEqual([1, 3]);
  });
});

describe("where Node hands over", () => {
  test("one is under way at a time", () => {
    const setup = new Setup(false);
    setup.handOver.open();
    setup.admit(1, 2);
    expect(setup.told).toEqual([[1, false]]);
    expect(setup.handles).toEqual([{ fd: 101 }]);
    setup.handOver.arrived(1);
    expect(setup.told.map(([id]) => id)).toEqual([1, 2]);
    expect(setup.passed).toEqual([]);
  });

  test("of whom Node could not hand over the worker takes note, and the next one goes", () => {
    const setup = new Setup(false);
    setup.handOver.open();
    setup.admit(1, 2);
    setup.handOver.failed();
    expect(setup.refused).toEqual([1]);
    expect(setup.told.map(([id]) => id)).toEqual([1, 1, 2]);
    expect(setup.handles).toHaveLength(2);
    expect(setup.let).toEqual([]);
  });

  test("nothing is made of a failure of nobody", () => {
    const setup = new Setup(false);
    setup.handOver.failed();
    expect(setup.messages).toEqual([]);
  });
});
