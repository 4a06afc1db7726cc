import { describe, expect, test } from "vitest";
import { Origins } from "../../../src/access/origins.ts";
import { RefusedError } from "../../../src/errors.ts";
import { fakeIncoming, fakeVisitor } from "../../helpers/requests.ts";

interface Rules {
  readonly list?: readonly string[];
  readonly hasSame?: boolean;
  readonly host?: string;
  readonly scheme?: "http" | "https";
}

function isLetIn(origin: string | readonly string[] | undefined, rules: Rules): boolean {
  const { list, hasSame = false, host = "example.com", scheme = "http" } = rules;
  try {
    const request = fakeIncoming(origin === undefined ? {} : { Origin: origin });
    new Origins(list, hasSame).check(request, fakeVisitor({ host, scheme }));
    return true;
  } catch (error) {
    if (error instanceof RefusedError && error.status === 403) return false;
    throw error;
  }
}

describe("--origin", () => {
  const list = ["https://example.com", "http://localhost:3000", "http://[::1]", "https://bücher.example"];

  test.each([
    "https://example.com",
    "https://EXAMPLE.com:443",
    "http://localhost:3000",
    "http://[::1]:80",
    "https://xn--bcher-kva.example",
  ])("lets in %j", (origin) => {
    expect(isLetIn(origin, { list })).toBe(true);
  });

  test.each([
    "http://example.com",
    "https://example.com:8443",
    "https://example.com.evil.example",
    "https://evil-example.com",
    "https://www.example.com",
    "https://example.com/",
    "https://example.com@evil.example",
    "http://localhost",
    "http://localhost:30000",
    "http://[::2]",
    "null",
    "",
    "*",
    "garbage",
    "https://example.com, https://example.com",
  ])("refuses %j", (origin) => {
    expect(isLetIn(origin, { list })).toBe(false);
  });

  test("refuses several headers, though one of them is good, or all", () => {
    expect(isLetIn(["https://example.com", "https://evil.example"], { list })).toBe(false);
    expect(isLetIn(["https://example.com", "https://example.com"], { list })).toBe(false);
    expect(isLetIn(["https://example.com"], { list })).toBe(true);
  });

  test("lets in who is no browser", () => {
    expect(isLetIn(undefined, { list })).toBe(true);
  });
});

describe("--sameorigin", () => {
  test.each<[string, string, "http" | "https", string]>([
    ["http://example.com", "example.com", "http", "http://example.org"],
    ["http://example.com", "EXAMPLE.com:80", "http", "https://example.com"],
    ["https://example.com", "example.com", "https", "http://example.com"],
    ["http://localhost:9000", "localhost:9000", "http", "http://localhost:9001"],
    ["http://[::1]:9000", "[::1]:9000", "http", "http://127.0.0.1:9000"],
    ["https://example.com:8443", "example.com:8443", "https", "https://example.com"],
  ])("lets in %j to %j over %s, but not %j", (good, host, scheme, bad) => {
    expect(isLetIn(good, { hasSame: true, host, scheme })).toBe(true);
    expect(isLetIn(bad, { hasSame: true, host, scheme })).toBe(false);
  });

  test("refuses what has no origin, whatever host was asked", () => {
    for (const host of ["", "null", "a b"]) {
      for (const origin of ["null", "http://", "http://null:x", ""]) {
        expect(isLetIn(origin, { hasSame: true, host })).toBe(false);
      }
    }
  });

  test("lets in who is no browser", () => {
    expect(isLetIn(undefined, { hasSame: true })).toBe(true);
  });

  test("goes together with a list: either is enough", () => {
    const rules = { hasSame: true, list: ["https://other.example"], host: "example.com" };
    expect(isLetIn("http://example.com", rules)).toBe(true);
    expect(isLetIn("https://other.example", rules)).toBe(true);
    expect(isLetIn("https://third.example", rules)).toBe(false);
  });
});

test("without either any page may come", () => {
  for (const origin of ["https://evil.example", "null", "garbage", ["a", "b"]]) expect(isLetIn(origin, {})).toBe(true);
});
