import { describe, expect, test } from "vitest";
import { completeOptions, type OptionName, parseOption } from "../../src/options.ts";

describe("options about who may come in", () => {
  test.each<[OptionName, string, readonly string[] | number]>([
    ["origins", "https://example.com", ["https://example.com"]],
    ["origins", "https://example.com, http://localhost:3000", ["https://example.com", "http://localhost:3000"]],
    ["origins", "http://[::1]:80,https://bücher.example", ["http://[::1]:80", "https://bücher.example"]],
    ["origins", "chrome-extension://abcdef", ["chrome-extension://abcdef"]],
    ["allowedHosts", "example.com", ["example.com"]],
    ["allowedHosts", "localhost:9000, [::1],::1,10.0.0.1", ["localhost:9000", "[::1]", "::1", "10.0.0.1"]],
    ["allowedHosts", "*", ["*"]],
    ["trustedProxies", "10.0.0.1,fd00::1", ["10.0.0.1", "fd00::1"]],
    ["trustedProxies", "10.0.0.0/8, fd00::/8", ["10.0.0.0/8", "fd00::/8"]],
    ["trustedProxies", "loopback,linklocal,uniquelocal,unix", ["loopback", "linklocal", "uniquelocal", "unix"]],
    ["maxPerAddress", "1", 1],
    ["connectionRate", "100000", 100_000],
    ["maxHandshakes", "1", 1],
  ])("%s can be %j", (name, text, value) => {
    expect(parseOption(name, text, "here")).toEqual(value);
    expect(completeOptions({ [name]: value })[name]).toEqual(value);
  });

  test.each<[OptionName, readonly string[]]>([
    [
      "origins",
      [
        "",
        "*",
        "null",
        "example.com",
        "localhost:3000",
        "https://example.com/",
        "https://example.com/path",
        "https://*.example.com",
        "https://example.com,",
        "https://a https://b",
        "wss://example.com",
        "ws://example.com",
        "https://example.com:99999",
        "https://user:secret@example.com",
      ],
    ],
    ["allowedHosts", ["", "https://example.com", "*.example.com", "example.com/", "a b", "a,,b", "a:b", "a:65536"]],
    [
      "trustedProxies",
      ["", "everyone", "10.0.0", "10.0.0.0/33", "10.0.0.0/0", "::/0", "fd00::/129", "10.0.0.0/8/8", "*", "10.0.0.0/"],
    ],
    ["trustedProxies", ["0x7f.1", "010.0.0.1", "localhost", "example.com", "fe80::1%eth0", "10.0.0.0/255.0.0.0"]],
    ["maxPerAddress", ["0", "-1", "1.5", "many", "1000001"]],
    ["connectionRate", ["0", "0.5", "100001", "1/s"]],
    ["maxHandshakes", ["0", "none"]],
  ])("%s cannot be any of %j", (name, texts) => {
    for (const text of texts) {
      const error = "here: expected ";
      expect(() => parseOption(name, text, "here")).toThrow(error);
      expect(() => parseOption(name, text, "here")).toThrow(`, got ${JSON.stringify(text)}`);
    }
  });

  test("what does not come as text is checked as well", () => {
    for (const value of [[], [""], ["*"], [1], "https://example.com", {}]) {
      expect(() => completeOptions({ origins: value })).toThrow("origins: expected a list of origins, each a scheme");
    }
    expect(() => completeOptions({ trustedProxies: "loopback" })).toThrow(
      "expected a list of addresses, ranges such as",
    );
    expect(() => completeOptions({ allowedHosts: "a" })).toThrow("expected a list of hosts, with or without a port");
  });
});
