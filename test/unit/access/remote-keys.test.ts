import { afterEach, expect, test, vi } from "vitest";
import { openRemoteKeys } from "../../../src/access/remote-keys.ts";
import { FakeLogger } from "../../helpers/fakes.ts";
import { createSigner } from "../../helpers/tokens.ts";
import { until } from "../../helpers/until.ts";
import { webServer } from "../../helpers/web-server.ts";

afterEach(() => {
  vi.useRealTimers();
});

const token = { payload: "", signature: "" };

/** Only the clocks are false: sockets go on as ever. */
function fakeClocks(): void {
  vi.useFakeTimers({ toFake: ["Date", "performance"] });
}

test("a key that is not in the set is looked for again after half a minute, the whole set after ten", async () => {
  fakeClocks();
  const { jwk } = createSigner("ES256");
  let fetched = 0;
  await using server = await webServer((_request, response) => {
    fetched += 1;
    response.end(JSON.stringify({ keys: [{ ...jwk, kid: `key-${fetched}` }] }));
  });
  const find = openRemoteKeys(server.url, new FakeLogger(), new AbortController().signal);
  const isFound = async (kid: string): Promise<boolean> => {
    const found = await Promise.resolve(find({ alg: "ES256", kid }, token)).catch(() => undefined);
    return found !== undefined;
  };
  expect(await isFound("key-1")).toBe(true);
  expect(await isFound("key-2")).toBe(false);
  vi.setSystemTime(Date.now() + 29_000);
  expect(await isFound("key-2")).toBe(false);
  expect(fetched).toBe(1);
  vi.setSystemTime(Date.now() + 2000);
  expect(await isFound("key-2")).toBe(true);
  expect(fetched).toBe(2);
  vi.setSystemTime(Date.now() + 601_000);
  expect(await isFound("key-3")).toBe(true);
  expect(fetched).toBe(3);
});

test("a server of keys that fails is left alone for five seconds, and then asked again", async () => {
  fakeClocks();
  const { jwk } = createSigner("ES256");
  let status = 503;
  let fetched = 0;
  await using server = await webServer((_request, response) => {
    fetched += 1;
    response.writeHead(status).end(JSON.stringify({ keys: [jwk] }));
  });
  const logger = new FakeLogger();
  const find = openRemoteKeys(server.url, logger, new AbortController().signal);
  await until(() => logger.lines.length === 1, "the first try");
  expect(logger.lines).toEqual(["warn the set of keys of --auth-jwks is not to be had: it answered with 503"]);
  status = 200;
  await expect(Promise.resolve(find({ alg: "ES256" }, token))).rejects.toThrow(
    "the keys could not be fetched just now",
  );
  expect(fetched).toBe(1);
  vi.advanceTimersByTime(5000);
  expect(await find({ alg: "ES256" }, token)).toBeDefined();
  expect(fetched).toBe(2);
});
