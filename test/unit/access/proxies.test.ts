import { array, assert as holds, constantFrom, property } from "fast-check";
import { describe, expect, test } from "vitest";
import { Proxies } from "../../../src/access/proxies.ts";
import type { Visitor } from "../../../src/access/visitor.ts";
import { RefusedError } from "../../../src/errors.ts";
import { fakeVisitor } from "../../helpers/requests.ts";

const proxy = fakeVisitor({ remoteAddress: "127.0.0.1", host: "backend:9000" });

type Headers = Readonly<Record<string, string>>;

/** What is believed that is not what the connection says. */
function believed(
  headers: Headers,
  list: readonly string[] = ["loopback"],
  visitor: Visitor = proxy,
): Partial<Visitor> {
  const result = new Proxies(list).believe(visitor, headers);
  const changed = Object.entries(result).filter(([name, value]) => value !== visitor[name as keyof Visitor]);
  return Object.fromEntries(changed);
}

const old: Headers = {
  "x-forwarded-for": "203.0.113.9",
  "x-forwarded-proto": "https",
  "x-forwarded-host": "example.com",
};
const modern: Headers = { forwarded: "for=203.0.113.9;proto=https;host=example.com" };
const client = { remoteAddress: "203.0.113.9", remotePort: 0, scheme: "https", host: "example.com", serverPort: 443 };

describe("a proxy that is known", () => {
  test("is believed, whichever headers it sends", () => {
    expect(believed(old)).toEqual(client);
    expect(believed(modern)).toEqual(client);
    expect(believed({ forwarded: 'for="203.0.113.9:4711";host="example.com:8443"' })).toEqual({
      remoteAddress: "203.0.113.9",
      remotePort: 4711,
      host: "example.com:8443",
      serverPort: 8443,
    });
  });

  test("may leave out what it does not know", () => {
    expect(believed({})).toEqual({});
    expect(believed({ "x-forwarded-proto": "https" })).toEqual({ scheme: "https" });
    expect(believed({ "x-forwarded-host": "example.com" })).toEqual({ host: "example.com", serverPort: 80 });
    expect(believed({ forwarded: "for=unknown;proto=https" })).toEqual({ scheme: "https" });
  });

  test("is found by its address, a range, a name, or as one that comes over a unix socket", () => {
    const lists: [string, string][] = [
      ["10.1.2.3", "10.1.2.3"],
      ["10.1.2.3", "10.0.0.0/8"],
      ["10.1.2.3", "uniquelocal"],
      ["fd00::1", "fd00::/8"],
      ["fd00::1", "192.0.2.1,fd00::1"],
      ["::1", "loopback"],
      ["127.9.9.9", "loopback"],
      ["169.254.1.1", "linklocal"],
      ["", "unix"],
      ["", "10.0.0.0/8,unix"],
    ];
    for (const [remoteAddress, list] of lists) {
      const visitor = fakeVisitor({ ...proxy, remoteAddress });
      expect(believed(old, list.split(","), visitor), `${remoteAddress} in ${list}`).toEqual(client);
    }
  });
});

describe("a client that is no known proxy", () => {
  test.each([
    ["10.1.2.3", "10.1.2.4"],
    ["11.0.0.1", "10.0.0.0/8"],
    ["fe00::1", "fd00::/8"],
    ["10.0.0.1", "::/1"],
    ["", "loopback"],
    ["127.0.0.1", "unix"],
    ["192.0.2.1", "loopback,linklocal,uniquelocal,unix"],
  ])("%j is not believed with %j", (remoteAddress, list) => {
    const visitor = fakeVisitor({ ...proxy, remoteAddress });
    for (const headers of [old, modern, { forwarded: '"' }]) {
      expect(believed(headers, list.split(","), visitor)).toEqual({});
    }
  });

  test("there is nobody to believe without a list", () => {
    expect(new Proxies().believe(proxy, old)).toBe(proxy);
  });
});

describe("a chain of proxies", () => {
  const list = ["loopback", "10.0.0.0/8"];

  test("is followed as far as they are known, so that what a client has made up before is not believed", () => {
    expect(believed({ "x-forwarded-for": "1.1.1.1, 203.0.113.9, 10.0.0.7" }, list)).toMatchObject({
      remoteAddress: "203.0.113.9",
    });
    expect(
      believed(
        {
          forwarded:
            "for=1.1.1.1;host=evil.example, for=203.0.113.9;host=example.com;proto=https, for=10.0.0.7;host=inner",
        },
        list,
      ),
    ).toEqual(client);
  });

  test("ends at one that is not known, be it one that says so", () => {
    expect(believed({ "x-forwarded-for": "203.0.113.9, 11.0.0.1" }, list)).toMatchObject({ remoteAddress: "11.0.0.1" });
    expect(believed({ "x-forwarded-for": "203.0.113.9, unknown" }, list)).toEqual({});
    expect(believed({ forwarded: "for=203.0.113.9, for=_hidden, for=10.0.0.7" }, list)).toMatchObject({
      remoteAddress: "10.0.0.7",
    });
  });

  test("of known ones only ends at the first", () => {
    expect(believed({ "x-forwarded-for": "10.0.0.1, 10.0.0.2" }, list)).toMatchObject({ remoteAddress: "10.0.0.1" });
  });

  test("whatever a client puts before it, its own address is what is believed", () => {
    const made = array(constantFrom("10.0.0.1", "1.1.1.1", "127.0.0.1", "unknown", "x", "[::1]:80"), { maxLength: 6 });
    holds(
      property(
        made,
        made.map((all) => all.map((each) => `for="${each}"`)),
        (addresses, elements) => {
          const behind = ["203.0.113.9", "10.0.0.7"];
          const one = believed({ "x-forwarded-for": [...addresses, ...behind].join(", ") }, list);
          expect(one.remoteAddress).toBe("203.0.113.9");
          const other = believed({ forwarded: [...elements, ...behind.map((each) => `for=${each}`)].join(", ") }, list);
          expect(other.remoteAddress).toBe("203.0.113.9");
        },
      ),
    );
  });
});

describe("both kinds of headers", () => {
  test("count where they say the same", () => {
    expect(believed({ ...old, ...modern })).toEqual(client);
    expect(believed({ ...old, forwarded: 'for="203.0.113.9:4711";proto=https;host=example.com' })).toEqual(client);
  });

  test.each<[string, Headers]>([
    ["another address", { ...old, forwarded: "for=1.1.1.1;proto=https;host=example.com" }],
    ["another scheme", { ...old, forwarded: "for=203.0.113.9;proto=http;host=example.com" }],
    ["another host", { ...old, forwarded: "for=203.0.113.9;proto=https;host=evil.example" }],
    ["no host", { ...old, forwarded: "for=203.0.113.9;proto=https" }],
    ["a host that the other kind leaves out", { ...modern, "x-forwarded-for": "203.0.113.9" }],
    ["nothing", { ...old, forwarded: "" }],
  ])("are refused where one says %s", (_, headers) => {
    const error = new RefusedError(
      400,
      "Forwarded and X-Forwarded-* say different things; let the proxy set one kind of them and remove the other",
    );
    expect(() => believed(headers)).toThrow(error);
  });
});

test("a Forwarded header that cannot be read is refused, since who wrote which part of it is not known", () => {
  expect(() => believed({ forwarded: 'for=", for=203.0.113.9' })).toThrow("Forwarded is not as RFC 7239 has it");
});
