import {
  array,
  assert as holds,
  boolean,
  constantFrom,
  ipV4,
  ipV6,
  nat,
  option,
  property,
  record,
  string,
} from "fast-check";
import { describe, expect, test } from "vitest";
import { type Hop, parseForwarded, readForwardedHeaders } from "../../../src/access/forwarded.ts";

const unknown: Hop = { address: "", port: 0, scheme: undefined, host: undefined };

describe("Forwarded", () => {
  test.each<[string, readonly Partial<Hop>[]]>([
    // The examples of RFC 7239.
    ['for="_gazonk"', [{}]],
    ['For="[2001:db8:cafe::17]:4711"', [{ address: "2001:db8:cafe::17", port: 4711 }]],
    ["for=192.0.2.60;proto=http;by=203.0.113.43", [{ address: "192.0.2.60", scheme: "http" }]],
    ["for=192.0.2.43, for=198.51.100.17", [{ address: "192.0.2.43" }, { address: "198.51.100.17" }]],
    ['for=192.0.2.43, for="[2001:db8:cafe::17]"', [{ address: "192.0.2.43" }, { address: "2001:db8:cafe::17" }]],
    ["for=_hidden, for=_SEVKISEK", [{}, {}]],
    ["for=unknown", [{}]],
    ['for="192.0.2.43:47011"', [{ address: "192.0.2.43", port: 47_011 }]],
    ['for="192.0.2.43:_secret"', [{ address: "192.0.2.43" }]],
    ['for="192.0.2.43:70000"', [{ address: "192.0.2.43" }]],
    ["FOR=192.0.2.1;PROTO=HTTPS;Host=Example.com", [{ address: "192.0.2.1", scheme: "https", host: "Example.com" }]],
    ['host="example.com:8443";proto=wss', [{ host: "example.com:8443", scheme: "https" }]],
    [String.raw`host="a\"b\\c"`, [{ host: String.raw`a"b\c` }]],
    ['host="a, for=192.0.2.1; b"', [{ host: "a, for=192.0.2.1; b" }]],
    ["for=192.0.2.1:80", [{ address: "192.0.2.1", port: 80 }]],
    ["for=[2001:db8::1]:80", [{ address: "2001:db8::1", port: 80 }]],
    ['for="[::ffff:192.0.2.1]"', [{ address: "192.0.2.1" }]],
    ['for="2001:db8::1"', [{ address: "2001:db8::1" }]],
    ["for=example.com", [{}]],
    ['for="[192.0.2.1]"', [{}]],
    ['for=""', [{}]],
    ["proto=gopher", [{}]],
    ["secret=1", [{}]],
    ["", []],
    [" , ,,", []],
    [
      "for=192.0.2.1 ; proto=https ,\tfor=192.0.2.2;",
      [{ address: "192.0.2.1", scheme: "https" }, { address: "192.0.2.2" }],
    ],
  ])("%j", (text, hops) => {
    expect(parseForwarded(text)).toEqual(hops.map((hop) => ({ ...unknown, ...hop })));
  });

  test.each([
    "for",
    "for=",
    "=192.0.2.1",
    "for = 192.0.2.1",
    'for="192.0.2.1',
    'for="192.0.2.1\\"',
    'for="a"b',
    "for=a b",
    "for=192.0.2.1;for=192.0.2.2",
    "for=192.0.2.1;FOR=192.0.2.1",
    "192.0.2.1",
    "for=192.0.2.1/8",
    "for=\u00e9",
    '"for"=192.0.2.1',
    // What a client begins so that it would swallow what the proxy says, or turn it into something else.
    'for=", for=192.0.2.1',
    'for="\\, for="[2001:db8::1]:80";proto=https',
    'for=", for="[2001:db8::1]:80";host="example.com"',
    'for=", for=192.0.2.1;host=""',
  ])("is not %j", (text) => {
    expect(parseForwarded(text)).toBeUndefined();
  });

  const values = record({
    address: option(constantFrom(true, false), { nil: undefined }),
    ip4: ipV4(),
    ip6: ipV6(),
    port: nat({ max: 65_535 }),
    scheme: constantFrom("http" as const, "https" as const, undefined),
    host: option(string({ minLength: 1, maxLength: 12, unit: constantFrom("a", ".", '"', "\\", ",", ";", "=", " ") }), {
      nil: undefined,
    }),
    isLoud: boolean(),
  });

  test("what one proxy writes after the other is read again, with whatever stands in its quotes", () => {
    holds(
      property(array(values, { maxLength: 5 }), constantFrom(",", ", ", " ,\t"), (given, comma) => {
        const hops: Hop[] = [];
        const elements = given.map(({ address, ip4, ip6, port, scheme, host, isLoud }) => {
          const pairs: string[] = [];
          if (address !== undefined) pairs.push(address ? `for="${ip4}:${port}"` : `for="[${ip6}]:${port}"`);
          if (scheme !== undefined) pairs.push(`proto=${isLoud ? scheme.toUpperCase() : scheme}`);
          if (host !== undefined) pairs.push(`HoSt="${host.replaceAll(/["\\]/g, String.raw`\$&`)}"`);
          if (pairs.length === 0) pairs.push("by=_me");
          const known =
            address === undefined ? { address: "", port: 0 } : { address: address ? ip4 : plain(ip6), port };
          hops.push({ ...known, scheme, host });
          return pairs.join(";");
        });
        expect(parseForwarded(elements.join(comma))).toEqual(hops);
      }),
    );
  });

  test("whatever comes is read to an end", () => {
    for (const piece of [" ", "\t", ",", ";", '"', "\\", "a=b;", "for=", 'a="', "="]) {
      parseForwarded(piece.repeat(16_384 / piece.length) + '"');
      parseForwarded(`for=a${piece.repeat(16_384 / piece.length)}\u0001`);
    }
    holds(property(string(), (text) => void parseForwarded(text)));
  });
});

describe("X-Forwarded-*", () => {
  test.each<[Record<string, string>, readonly Partial<Hop>[]]>([
    [{ "x-forwarded-for": "192.0.2.1" }, [{ address: "192.0.2.1" }]],
    [{ "x-forwarded-for": "192.0.2.1, 2001:db8::1" }, [{ address: "192.0.2.1" }, { address: "2001:db8::1" }]],
    [
      { "x-forwarded-for": "192.0.2.1:80,[2001:db8::1]:443" },
      [
        { address: "192.0.2.1", port: 80 },
        { address: "2001:db8::1", port: 443 },
      ],
    ],
    [{ "x-forwarded-for": "nonsense, ,_hidden,192.0.2.1" }, [{}, {}, { address: "192.0.2.1" }]],
    [{ "x-forwarded-for": "" }, [{}]],
    [{ "x-forwarded-proto": "https" }, [{ scheme: "https" }]],
    [{ "x-forwarded-proto": "WSS" }, [{ scheme: "https" }]],
    [{ "x-forwarded-proto": "ws" }, [{ scheme: "http" }]],
    [{ "x-forwarded-proto": "https, http" }, [{ scheme: "http" }]],
    [{ "x-forwarded-proto": "javascript" }, [{}]],
    [{ "x-forwarded-host": "evil.example, example.com:8443" }, [{ host: "example.com:8443" }]],
    [
      { "x-forwarded-for": "192.0.2.1, 192.0.2.2", "x-forwarded-proto": "https", "x-forwarded-host": "example.com" },
      [{ address: "192.0.2.1" }, { address: "192.0.2.2", scheme: "https", host: "example.com" }],
    ],
  ])("%j", (headers, hops) => {
    expect(readForwardedHeaders(headers)).toEqual(hops.map((hop) => ({ ...unknown, ...hop })));
  });
});

/** An IPv4 address in IPv6 is read as what it is. */
function plain(address: string): string {
  return address.replace(/^::ffff:(?=\d+\.)/i, "");
}
