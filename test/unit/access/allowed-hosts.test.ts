import { describe, expect, test } from "vitest";
import { AllowedHosts, hostsOfLoopback } from "../../../src/access/allowed-hosts.ts";
import { RefusedError } from "../../../src/errors.ts";
import { fakeVisitor } from "../../helpers/requests.ts";

function isAllowed(list: string, host: string, scheme: "http" | "https" = "http"): boolean {
  try {
    new AllowedHosts(list.split(",")).check(fakeVisitor({ host, scheme }), true);
    return true;
  } catch (error) {
    if (error instanceof RefusedError && error.status === 403) return false;
    throw error;
  }
}

describe("hosts that are allowed", () => {
  test.each([
    ["example.com", "example.com", "www.example.com"],
    ["example.com", "EXAMPLE.com:9000", "example.com.evil.example"],
    ["example.com", "example.com:80", "notexample.com"],
    ["example.com", "example.com", "example.com."],
    ["example.com:9000", "example.com:9000", "example.com:9001"],
    ["example.com:80", "example.com", "example.com:8080"],
    ["[::1]", "[::1]:9000", "[::2]:9000"],
    ["::1", "[0:0:0:0:0:0:0:1]", "[::]"],
    ["127.0.0.1", "127.0.0.1:1", "127.0.0.2:1"],
    ["bücher.example", "xn--bcher-kva.example", "bucher.example"],
    ["a,b", "b", "c"],
  ])("with %j: %j, but not %j", (list, good, bad) => {
    expect(isAllowed(list, good)).toBe(true);
    expect(isAllowed(list, bad)).toBe(false);
  });

  test("a port that is left out is the usual one of the scheme", () => {
    expect(isAllowed("example.com:443", "example.com", "https")).toBe(true);
    expect(isAllowed("example.com:443", "example.com", "http")).toBe(false);
  });

  test.each(["", " ", "a b", "localhost,evil", "localhost:9000:9000", "local\u0000host", "x".repeat(10_000) + "%"])(
    "what is no host is not allowed: %j",
    (host) => {
      expect(isAllowed("localhost", host)).toBe(false);
    },
  );

  test("* is all hosts, and so is no list", () => {
    expect(isAllowed("a,*", "evil.example")).toBe(true);
    expect(isAllowed("*", "no host at all")).toBe(true);
    new AllowedHosts(undefined).check(fakeVisitor({ host: "evil.example" }), true);
  });

  test("whoever names no host is no browser", () => {
    new AllowedHosts(["localhost"]).check(fakeVisitor({ host: "" }), false);
  });

  test("those that are only implied are asked for over loopback, and nowhere else", () => {
    const visitor = fakeVisitor({ host: "example.com" });
    const implied = new AllowedHosts(undefined, ["localhost"]);
    for (const address of ["127.0.0.1", "127.1.2.3", "::1"]) {
      expect(() => implied.check(visitor, true, address)).toThrow("example.com is not among");
      new AllowedHosts(["example.com"], ["localhost"]).check(visitor, true, address);
    }
    // A unix socket has no address.
    for (const address of ["", "10.0.0.1", "fd00::1"]) {
      implied.check(visitor, true, address);
      expect(() => new AllowedHosts(["localhost"]).check(visitor, true, address)).toThrow("example.com is not among");
    }
  });

  test("a refusal says what to do", () => {
    const hosts = new AllowedHosts(["localhost"]);
    expect(() => hosts.check(fakeVisitor({ host: "Example.com:80" }), true)).toThrow(
      new RefusedError(
        403,
        "example.com is not among the hosts that this server answers for; if it should be, start the server with " +
          "--allowhost example.com, or with --allowhost '*' for all",
      ),
    );
    expect(() => hosts.check(fakeVisitor({ host: "<script>" }), true)).toThrow(/^this host is not among .* <HOST>, or/);
  });
});

describe("hosts of a server that only this machine can reach", () => {
  const standard = ["localhost", "127.0.0.1", "[::1]"];

  test.each([
    [["127.0.0.1"], standard],
    [["localhost"], standard],
    [["LocalHost"], standard],
    [["::1"], standard],
    [["0:0:0:0:0:0:0:1"], standard],
    [["127.1"], standard],
    [["0x7f.0.0.1"], standard],
    [["2130706434"], [...standard, "127.0.0.2"]],
    [["::ffff:127.0.0.1"], [...standard, "[::ffff:7f00:1]"]],
    [["127.0.0.2"], [...standard, "127.0.0.2"]],
    [["127.0.0.1", "::1"], standard],
  ])("%j", (addresses, hosts) => {
    expect(hostsOfLoopback(addresses)).toEqual(hosts);
  });

  test.each([
    [["0.0.0.0"]],
    [["::"]],
    [["128.0.0.1"]],
    [["my-host"]],
    [["127.0.0.1", "10.0.0.1"]],
    [["localhost.example.com"]],
    [["128.1"]],
    [["127.example.com"]],
    [["::ffff:128.0.0.1"]],
    [[]],
  ])("%j is none", (addresses) => {
    expect(hostsOfLoopback(addresses)).toBeUndefined();
  });
});
