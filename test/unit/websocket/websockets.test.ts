import { Socket } from "node:net";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Intake } from "../../../src/websocket/intake.ts";
import { loadReceiver, ProtocolReceiver } from "../../../src/websocket/protocol-receiver.ts";
import { Websockets } from "../../../src/websocket/websockets.ts";
import { FakeLogger } from "../../helpers/fakes.ts";
import { closeFrame, frame, ping } from "../../helpers/raw-client.ts";

vi.mock("../../../src/websocket/protocol-receiver.ts", () => ({ loadReceiver: vi.fn(), ProtocolReceiver: vi.fn() }));

const nothing = (): void => undefined;

function noDescriptor(): never {
  throw Object.assign(new Error("EMFILE: too many open files"), { code: "EMFILE" });
}

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

test("what reads rare frames is loaded ahead, and tried again where that fails", () => {
  const load = vi.mocked(loadReceiver);
  load.mockImplementationOnce(noDescriptor).mockImplementationOnce(noDescriptor);
  const logger = new FakeLogger();
  const limits = { maxMessageBytes: 1024, slowTimeoutMs: 1000, clientBufferBytes: 1024 };
  expect(new Websockets({ ...limits, pingIntervalMs: 1e6, messageTimeoutMs: 1e6 }, logger, nothing)).toBeDefined();
  expect(load).toHaveBeenCalledTimes(0);
  vi.advanceTimersByTime(250);
  expect(load).toHaveBeenCalledTimes(1);
  vi.advanceTimersByTime(10_000);
  expect(load).toHaveBeenCalledTimes(3);
  const told = "EMFILE: too many open files; whoever sends more than plain messages is closed until that is over";
  expect(logger.lines).toEqual([`warn ${told}`]);
});

test("a client whose frame needs it while it cannot be loaded is told to come back later", () => {
  vi.mocked(ProtocolReceiver).mockImplementation(noDescriptor);
  const faults: string[] = [];
  const owner = {
    get isReading() {
      return faults.length === 0;
    },
    onPing: nothing,
    onPong: nothing,
    onConclude: nothing,
    onFault: (code: number, reason: string) => void faults.push(`${code} ${reason}`),
  };
  const events = { id: 1, onMessage: nothing, onControl: nothing, onClose: nothing };
  const intake = new Intake(new Socket(), events, owner, { maxMessageBytes: 1024 }, false);
  intake.push(Buffer.concat([frame(ping), closeFrame(1000)]));
  intake.push(frame(ping));
  expect(faults).toEqual(["1013 the server has no file descriptor left"]);
});
