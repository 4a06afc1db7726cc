import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { loadReceiver } from "../../../src/websocket/protocol-receiver.ts";
import { Websockets } from "../../../src/websocket/websockets.ts";

vi.mock("../../../src/websocket/protocol-receiver.ts", () => ({ loadReceiver: vi.fn() }));

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

test("what reads rare frames is loaded ahead, and tried again where that fails", () => {
  const load = vi.mocked(loadReceiver);
  load.mockImplementationOnce(() => {
    throw new Error("EMFILE: too many open files");
  });
  const limits = { maxMessageBytes: 1024, slowTimeoutMs: 1000, clientBufferBytes: 1024 };
  expect(new Websockets({ ...limits, pingIntervalMs: 1e6, messageTimeoutMs: 1e6 }, () => undefined)).toBeDefined();
  expect(load).toHaveBeenCalledTimes(0);
  vi.advanceTimersByTime(250);
  expect(load).toHaveBeenCalledTimes(1);
  vi.advanceTimersByTime(10_000);
  expect(load).toHaveBeenCalledTimes(2);
});
