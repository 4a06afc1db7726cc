import type { IncomingMessage } from "node:http";
import { expect, test } from "vitest";
import { Gate, type GateOptions, type Guest } from "../../../src/access/gate.ts";
import { silentLogger } from "../../../src/logger.ts";
import { completeOptions } from "../../../src/options.ts";
import { Tickets } from "../../../src/access/tickets.ts";
import { fakeIncoming } from "../../helpers/requests.ts";

const open = completeOptions({}) satisfies GateOptions;
const wish = { room: "a", query: "b=1" };

async function gate(options: Partial<GateOptions> = {}, tickets = new Tickets({})): Promise<Gate> {
  return Gate.open({ ...open, ...options }, tickets, silentLogger);
}

/** The status and text with which a websocket and a plain request are refused; undefined where they are not. */
async function outcomes(own: Gate, request: IncomingMessage): Promise<(string | undefined)[]> {
  const results = await Promise.allSettled([admit(own, request), guard(own, request)]);
  return results.map((result) =>
    result.status === "fulfilled" ? undefined : `${result.reason.status} ${result.reason.message}`,
  );
}

async function admit(own: Gate, request: IncomingMessage): Promise<Guest> {
  return own.admit(request, wish);
}

async function guard(own: Gate, request: IncomingMessage): Promise<void> {
  await own.guard(request, own.recognize(request));
}

const letIn = [undefined, undefined];

test("what is known of a client that nobody asks anything", async () => {
  const { visitor, identity, ticket } = await (
    await gate()
  ).admit(fakeIncoming({ Host: "example.com:9000", Origin: "null" }), wish);
  expect(visitor).toEqual({
    remoteAddress: "192.0.2.1",
    remotePort: 40_000,
    scheme: "http",
    host: "example.com:9000",
    serverPort: 9000,
    tlsSubject: "",
    url: "/a",
    query: "b=1",
    rawHeaders: ["host", "example.com:9000", "origin", "null"],
  });
  expect(identity).toBeNull();
  expect(ticket).toBeUndefined();
});

test("a hundred headers are let in, and one more is not", async () => {
  expect(await outcomes(await gate(), fakeIncoming(manyHeaders(100)))).toEqual(letIn);
  const refusal = "431 there are more than 100 headers";
  expect(await outcomes(await gate(), fakeIncoming(manyHeaders(101)))).toEqual([refusal, refusal]);
});

test("of two hosts nobody knows which is meant", async () => {
  const refusal = "400 there must be one Host header";
  expect(await outcomes(await gate(), fakeIncoming({ Host: ["a", "a"] }))).toEqual([refusal, refusal]);
  expect(await outcomes(await gate(), fakeIncoming({ Host: ["a"] }))).toEqual(letIn);
});

test("the host is checked of websockets and of other requests", async () => {
  const own = await gate({ allowedHosts: ["localhost"] });
  expect(await outcomes(own, fakeIncoming({ Host: "localhost:9000" }))).toEqual(letIn);
  expect(await outcomes(own, fakeIncoming({ Host: "evil.example" }))).toEqual([
    expect.stringMatching(/^403 evil\.example is not among/),
    expect.stringMatching(/^403 evil\.example is not among/),
  ]);
  expect(await outcomes(own, fakeIncoming({}))).toEqual(letIn);
  expect(await outcomes(own, fakeIncoming({ Host: "" }))).toEqual([
    expect.stringMatching(/^403 this host/),
    expect.stringMatching(/^403 this host/),
  ]);
});

test("a target that names the host wins over the header", async () => {
  const own = await gate({ allowedHosts: ["localhost"] });
  const good = fakeIncoming({ Host: "evil.example" }, { url: "http://localhost:9000/a" });
  const bad = fakeIncoming({ Host: "localhost" }, { url: "HTTP://evil.example/a" });
  const nobody = fakeIncoming({ Host: "localhost" }, { url: "http:///a" });
  expect(await outcomes(own, good)).toEqual(letIn);
  expect((await outcomes(own, bad))[1]).toMatch(/^403 evil\.example/);
  expect((await outcomes(own, nobody))[1]).toMatch(/^403 this host/);
  expect((await (await gate()).admit(good, wish)).visitor.host).toBe("localhost:9000");
});

test("the host that a known proxy has been asked for counts as the host, and that of others does not", async () => {
  const own = await gate({ allowedHosts: ["example.com"], trustedProxies: ["192.0.2.1"] });
  const headers = { Host: "backend", "X-Forwarded-Host": "example.com" };
  expect(await outcomes(own, fakeIncoming(headers))).toEqual(letIn);
  const [websocket, plain] = await outcomes(own, fakeIncoming(headers, { remoteAddress: "192.0.2.2" }));
  expect([websocket, plain]).toEqual([expect.stringMatching(/^403 backend/), expect.stringMatching(/^403 backend/)]);
});

test("pages of the same origin are those of the host and scheme that the proxy has been asked for", async () => {
  const own = await gate({ sameOrigin: true, trustedProxies: ["192.0.2.1"] });
  const headers = { Host: "backend", "X-Forwarded-Host": "example.com", "X-Forwarded-Proto": "https" };
  expect(await outcomes(own, fakeIncoming({ ...headers, Origin: "https://example.com" }))).toEqual(letIn);
  for (const origin of ["http://example.com", "http://backend", "https://backend"]) {
    const refusal = `403 pages from ${origin} may not connect to this server`;
    expect(await outcomes(own, fakeIncoming({ ...headers, Origin: origin }))).toEqual([refusal, undefined]);
  }
});

test("only who comes over a unix socket has no address, and those of others that are gone are not taken for it", async () => {
  const own = await gate({ trustedProxies: ["unix"] });
  const headers = { "X-Forwarded-For": "203.0.113.9" };
  const unix = fakeIncoming(headers, { remoteAddress: undefined, localPort: undefined });
  expect((await own.admit(unix, wish)).visitor.remoteAddress).toBe("203.0.113.9");
  const gone = fakeIncoming(headers, { remoteAddress: undefined });
  expect(await outcomes(own, gone)).toEqual(["400 the client is gone", "400 the client is gone"]);
});

test("tickets are counted by the address that is believed, and only of those who pass all else", async () => {
  const tickets = new Tickets({ maxPerAddress: 1 });
  const own = await gate({ origins: ["https://example.com"], trustedProxies: ["192.0.2.1"] }, tickets);
  const evil = fakeIncoming({ "X-Forwarded-For": "203.0.113.9", Origin: "https://evil.example" });
  await expect(admit(own, evil)).rejects.toThrow("may not connect");
  expect(tickets.takenBy("203.0.113.9")).toBe(0);
  const good = fakeIncoming({ "X-Forwarded-For": "1.1.1.1, 203.0.113.9" });
  const { ticket } = await own.admit(good, wish);
  expect([tickets.takenBy("203.0.113.9"), tickets.takenBy("192.0.2.1")]).toEqual([1, 0]);
  await expect(admit(own, good)).rejects.toThrow("too many connections from 203.0.113.9");
  ticket?.giveBack();
  expect((await own.admit(good, wish)).ticket).toBeDefined();
});

test("a host that is the address that was connected to needs not be listed, since no name leads to it", async () => {
  const own = await gate({ allowedHosts: ["example.com"] });
  const localAddress = "::ffff:198.51.100.1";
  expect(await outcomes(own, fakeIncoming({ Host: "198.51.100.1:9000" }, { localAddress }))).toEqual(letIn);
  expect((await outcomes(own, fakeIncoming({ Host: "198.51.100.2:9000" }, { localAddress })))[1]).toMatch(/^403/);
  expect(await outcomes(own, fakeIncoming({ Host: "[2001:db8::1]" }, { localAddress: "2001:db8::1" }))).toEqual(letIn);
});

function manyHeaders(count: number): Record<string, string> {
  return Object.fromEntries(Array.from({ length: count }, (_, index) => [`a${index}`, ""]));
}

test("the address for the log is the one that is believed, or that of the connection", async () => {
  const own = await gate({ trustedProxies: ["192.0.2.1"] });
  const stranger = { remoteAddress: "198.51.100.1" };
  expect(own.addressOf(fakeIncoming({ "X-Forwarded-For": "203.0.113.7" }))).toBe("203.0.113.7");
  expect(own.addressOf(fakeIncoming({ "X-Forwarded-For": "203.0.113.7" }, stranger))).toBe("198.51.100.1");
  expect(own.addressOf(fakeIncoming({ Forwarded: "for=" }))).toBe("192.0.2.1");
  expect(own.addressOf(fakeIncoming({}, { remoteAddress: "::ffff:192.0.2.2" }))).toBe("192.0.2.2");
  expect(own.addressOf(fakeIncoming({}, { remoteAddress: undefined }))).toBe("");
});

test("nobody waits where there is nobody to ask", async () => {
  const own = await gate();
  expect(own.admit(fakeIncoming({ Host: "example.com" }), wish)).not.toBeInstanceOf(Promise);
});
