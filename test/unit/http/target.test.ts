import * as fc from "fast-check";
import { expect, test } from "vitest";
import { RefusedError } from "../../../src/errors.ts";
import { parseTarget } from "../../../src/http/target.ts";

test.each([
  ["/", { path: "/", room: "", rest: "", query: "" }],
  ["/room", { path: "/room", room: "room", rest: "", query: "" }],
  ["/room/", { path: "/room/", room: "room", rest: "/", query: "" }],
  ["/room/a/b", { path: "/room/a/b", room: "room", rest: "/a/b", query: "" }],
  ["//a", { path: "//a", room: "", rest: "/a", query: "" }],
  ["/room?", { path: "/room", room: "room", rest: "", query: "" }],
  ["/room?a=1&b=%20+", { path: "/room", room: "room", rest: "", query: "a=1&b=%20+" }],
  ["/room?a?b/c", { path: "/room", room: "room", rest: "", query: "a?b/c" }],
  ["/?a", { path: "/", room: "", rest: "", query: "a" }],
])("%s is taken apart", (url, target) => {
  expect(parseTarget(url)).toEqual(target);
});

test.each([
  ["/a%20b", "a b", ""],
  ["/%C3%A9%F0%9F%98%80", "é😀", ""],
  ["/a%2Fb/c%2Fd", "a/b", "/c/d"],
  ["/a%3Fb", "a?b", ""],
  ["/%2561", "%61", ""],
  ["/%2e%2E/x", "..", "/x"],
  ["/a+b", "a+b", ""],
])("%s is decoded once, each segment by itself", (url, room, rest) => {
  expect(parseTarget(url)).toMatchObject({ path: `/${room}${rest}`, room, rest });
});

test("the query stays as it came", () => {
  expect(parseTarget("/room?%00%ff%zz").query).toBe("%00%ff%zz");
});

test.each([
  ["http://host/room/a?b", { path: "/room/a", room: "room", rest: "/a", query: "b" }],
  ["HTTPS://host:1/room", { path: "/room", room: "room", rest: "", query: "" }],
  ["http://host", { path: "/", room: "", rest: "", query: "" }],
  ["http://host?a=/b", { path: "/", room: "", rest: "", query: "a=/b" }],
  ["http://user@[::1]:1/a", { path: "/a", room: "a", rest: "", query: "" }],
])("%s names a host as well, which does not matter", (url, target) => {
  expect(parseTarget(url)).toEqual(target);
});

test.each(["", "room", "*", "host:1", "?a", "ftp://host/room", "#/room"])("%j is refused, as it has no path", (url) => {
  expect(refusalOf(url)).toBe("path must begin with /");
});

test.each(["/%", "/a%2", "/%zz", "/%ff", "/%c0%af", "/%ed%a0%80", "/room/%f8"])(
  "%s is refused, as it is no UTF-8",
  (url) => {
    expect(refusalOf(url)).toBe("path is not valid percent-encoded UTF-8");
  },
);

test.each(["/%00", "/room%00", "/room/a%00b", "http://host/%00"])("%s is refused, as it has a NUL", (url) => {
  expect(refusalOf(url)).toBe("path must not hold a NUL");
});

test("whatever is encoded as one segment comes out of it, unless it has a NUL", () => {
  const texts = fc.string({ unit: "grapheme", minLength: 1 }).filter((text) => !text.includes("\0"));
  fc.assert(
    fc.property(texts, texts, (room, rest) => {
      const target = parseTarget(
        `/${encodeURIComponent(room)}/${encodeURIComponent(rest)}?${encodeURIComponent(room)}`,
      );
      expect(target).toEqual({ path: `/${room}/${rest}`, room, rest: `/${rest}`, query: encodeURIComponent(room) });
    }),
  );
});

/** The text of the refusal, which is a 400. */
function refusalOf(url: string): string {
  try {
    parseTarget(url);
  } catch (error) {
    if (!(error instanceof RefusedError)) throw error;
    expect(error.status).toBe(400);
    return error.message;
  }
  throw new Error("it was not refused");
}

test.each([
  ["/x", { path: "", room: "", rest: "", query: "" }],
  ["/x?a", { path: "", room: "", rest: "", query: "a" }],
  ["/x/", { path: "/", room: "", rest: "", query: "" }],
  ["/x/room", { path: "/room", room: "room", rest: "", query: "" }],
  ["/%78/x/x?b", { path: "/x/x", room: "x", rest: "/x", query: "b" }],
  ["http://host/x/room", { path: "/room", room: "room", rest: "", query: "" }],
  ["/x//room", { path: "//room", room: "", rest: "/room", query: "" }],
])("%s is read below /x", (url, target) => {
  expect(parseTarget(url, "/x")).toEqual(target);
});

test.each([
  "/",
  "/room",
  "/X/room",
  "/xx/room",
  "/x%2Froom",
  "//x/room",
  "/y/../x/room",
  "http://host",
  "/x.",
  "/%2578/a",
])("%s is not below /x", (url) => {
  expect(() => parseTarget(url, "/x")).toThrow("not found: all that is here is below /x/");
});

test("a path of several segments has to be there whole", () => {
  expect(parseTarget("/a/b/room/c", "/a/b")).toMatchObject({ room: "room", rest: "/c" });
  expect(parseTarget("/a/b", "/a/b").path).toBe("");
  expect(() => parseTarget("/a", "/a/b")).toThrow(RefusedError);
  expect(() => parseTarget("/a/room", "/a/b")).toThrow(RefusedError);
  expect(() => parseTarget("/a%2Fb/room", "/a/b")).toThrow(RefusedError);
});
