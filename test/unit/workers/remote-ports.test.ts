import { expect, test } from "vitest";
import { RefusedError } from "../../../src/errors.ts";
import type { FromWorker } from "../../../src/workers/messages.ts";
import { RemotePorts } from "../../../src/workers/remote-ports.ts";

test("each who asks gets the answer to its own question, in whatever order they come", async () => {
  const { ports, sent } = create();
  const first = ports.take();
  const second = ports.take();
  const [one, two] = sent.map((message) => ("id" in message ? message.id : 0)) as [number, number];
  expect(sent).toEqual([
    { type: "takePort", id: one },
    { type: "takePort", id: two },
  ]);
  expect(one).not.toBe(two);
  ports.onPort(two, 9002);
  ports.onPort(one, 9001);
  expect(await Promise.all([first, second])).toEqual([9001, 9002]);
});

test("where no port is left a client is refused with 503 and Retry-After", async () => {
  const { ports } = create();
  const taken = ports.take().catch((error: unknown) => error);
  ports.onPort(1, null);
  const error = await taken;
  expect(error).toBeInstanceOf(RefusedError);
  expect(error).toMatchObject({ status: 503, message: "no port left for another room" });
  expect(Number((error as RefusedError).headers["Retry-After"])).toBeGreaterThan(0);
});

test("a port is given back by its number", () => {
  const { ports, sent } = create();
  ports.release(9001);
  expect(sent).toEqual([{ type: "releasePort", port: 9001 }]);
});

test("answers that nobody waits for are of no concern", async () => {
  const { ports } = create();
  ports.onPort(1, 9001);
  const taken = ports.take();
  ports.onPort(1, 9002);
  ports.onPort(1, 9003);
  expect(await taken).toBe(9002);
});

function create(): { ports: RemotePorts; sent: FromWorker[] } {
  const sent: FromWorker[] = [];
  return { ports: new RemotePorts((message) => sent.push(message)), sent };
}
