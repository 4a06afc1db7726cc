import { constantFrom, integer, assert as holds, property, stringMatching, tuple } from "fast-check";
import { describe, expect, test } from "vitest";
import { canonicalOrigin, parseAuthority } from "../../src/web-origin.ts";

describe("an origin", () => {
  test.each([
    ["https://example.com", "https://example.com:443"],
    ["http://example.com", "http://example.com:80"],
    ["HTTPS://EXAMPLE.com", "https://example.com:443"],
    ["https://example.com:443", "https://example.com:443"],
    ["https://example.com:0443", "https://example.com:443"],
    ["https://example.com:8443", "https://example.com:8443"],
    ["http://localhost:3000", "http://localhost:3000"],
    ["http://[::1]:9000", "http://[::1]:9000"],
    ["http://[0:0::0001]", "http://[::1]:80"],
    ["http://[::FFFF:1.2.3.4]", "http://[::ffff:102:304]:80"],
    ["http://127.1", "http://127.0.0.1:80"],
    ["https://bücher.example", "https://xn--bcher-kva.example:443"],
    ["https://xn--bcher-kva.example", "https://xn--bcher-kva.example:443"],
    ["https://example.com.", "https://example.com.:443"],
    ["chrome-extension://abcdefghijklmnop", "chrome-extension://abcdefghijklmnop:"],
    ["capacitor://localhost", "capacitor://localhost:"],
  ])("%j is %j", (text, canonical) => {
    expect(canonicalOrigin(text)).toBe(canonical);
  });

  test.each([
    "",
    "null",
    "*",
    "example.com",
    "example.com:443",
    "//example.com",
    "://example.com",
    "https:example.com",
    "https://",
    "https:///",
    "https://example.com/",
    "https://example.com/path",
    "https://example.com?query",
    "https://example.com#fragment",
    "https://user@example.com",
    "https://*.example.com",
    "https://example.com:",
    "https://example.com:x",
    "https://example.com:65536",
    "https://example.com:443:443",
    "https://example.com, https://example.com",
    "https://example.com https://evil.example",
    " https://example.com",
    "https://example.com ",
    "https://exam\tple.com",
    "https://exam%70le.com",
    "https://example.com\\evil.example",
    "https://[::1",
    "https://::1",
    "https://[example.com]",
    "https://[fe80::1%25eth0]",
    "1https://example.com",
    "file://",
  ])("is not %j", (text) => {
    expect(canonicalOrigin(text)).toBeUndefined();
  });

  const label = stringMatching(/^[a-z][a-z0-9]{0,8}$/);
  const name = tuple(label, label).map((labels) => labels.join("."));

  test("is the same as another only where scheme, host and port are, however it is written", () => {
    const scheme = constantFrom("http", "https");
    const port = integer({ min: 1, max: 65_535 });
    const origin = tuple(scheme, name, port);
    holds(
      property(origin, origin, ([scheme1, host1, port1], [scheme2, host2, port2]) => {
        const one = canonicalOrigin(`${scheme1}://${host1}:${port1}`);
        expect(canonicalOrigin(`${scheme1.toUpperCase()}://${host1.toUpperCase()}:${port1}`)).toBe(one);
        const isSame = scheme1 === scheme2 && host1 === host2 && port1 === port2;
        expect(canonicalOrigin(`${scheme2}://${host2}:${port2}`) === one).toBe(isSame);
        // No prefix or suffix of it is the same.
        expect(canonicalOrigin(`${scheme1}://a${host1}:${port1}`)).not.toBe(one);
        expect(canonicalOrigin(`${scheme1}://${host1}a:${port1}`)).not.toBe(one);
        expect(canonicalOrigin(`${scheme1}://${host1}.${host2}:${port1}`)).not.toBe(one);
      }),
    );
  });
});

describe("what a Host says", () => {
  test.each([
    ["example.com", "example.com", ""],
    ["EXAMPLE.com:80", "example.com", "80"],
    ["[::1]:9000", "[::1]", "9000"],
    ["[0:0:0:0:0:0:0:1]", "[::1]", ""],
    ["127.0.0.1:65535", "127.0.0.1", "65535"],
    ["my_host", "my_host", ""],
  ])("%j is host %j and port %j", (text, host, port) => {
    expect(parseAuthority(text)).toEqual({ host, port });
  });

  test.each([
    "",
    ":80",
    "a b",
    "a,b",
    "::1",
    "a/b",
    "a@b",
    "http://a",
    "a:b",
    "a:-1",
    "a:70000",
    "a\0b",
    "a%41",
    "a\u009fb",
  ])("%j is nothing", (text) => {
    expect(parseAuthority(text)).toBeUndefined();
  });
});
