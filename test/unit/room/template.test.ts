import * as fc from "fast-check";
import { expect, test } from "vitest";
import type { JoinRequest } from "../../../src/join-request.ts";
import { compileTemplate } from "../../../src/room/template.ts";

const software = "scalesocket/1.2.3";

const plainRequest: JoinRequest = {
  connectionId: 1,
  basePath: "",
  room: "lobby",
  pathInfo: "/deeper path",
  query: "a=1&token=%C3%A9+%22&empty=&a=2",
  url: "/lobby/deeper%20path?a=1",
  method: "GET",
  host: "example.com:9000",
  httpVersion: "1.1",
  rawHeaders: ["Host", "example.com:9000", "X-Name", 'Jo "x"', "Authorization", "secret", "Proxy", "evil"],
  remoteAddress: "::1",
  remotePort: 5000,
  serverPort: 9000,
  scheme: "http",
  identity: null,
  tlsSubject: "",
};

test.each([
  ["#ID", "7"],
  ["#ROOM", "lobby"],
  ["#GATEWAY_INTERFACE", "CGI%2F1.1"],
  ["#QUERY_STRING", "a=1&token=%C3%A9+%22&empty=&a=2"],
  ["#REMOTE_ADDR", "::1"],
  ["#REMOTE_HOST", "::1"],
  ["#REMOTE_PORT", "5000"],
  ["#REQUEST_METHOD", "GET"],
  ["#REQUEST_URI", "%2Flobby%2Fdeeper%2520path%3Fa%3D1"],
  ["#SCRIPT_NAME", "%2Flobby"],
  ["#PATH_INFO", "%2Fdeeper%20path"],
  ["#SERVER_NAME", "example.com"],
  ["#SERVER_PORT", "9000"],
  ["#SERVER_PROTOCOL", "HTTP%2F1.1"],
  ["#SERVER_SOFTWARE", "scalesocket%2F1.2.3"],
  ["#HTTP_HOST", "example.com:9000"],
  ["#HTTP_X_NAME", "Jo%20%22x%22"],
])("%s becomes %s", (template, text) => {
  expect(render(template)).toBe(text);
});

test("a query parameter stands under its name in capitals, and the first of a name counts", () => {
  expect(render("#QUERY_A")).toBe("1");
  expect(render("#QUERY_TOKEN")).toBe("%C3%A9%20%22");
  expect(render("#QUERY_MY_NAME1", { query: "My_Name1=x" })).toBe("x");
  expect(render("#QUERY_TOKEN", { query: "t%6Fken=x" })).toBe("x");
  expect(render("#QUERY_A", { query: "a" })).toBe("");
});

test("a user is who the client has shown to be, and nobody without", () => {
  const identity = { user: 'an"n\n', authType: "Bearer", expiresAtMs: null };
  expect(render("<#USER>")).toBe("<>");
  expect(render("<#USER,#REMOTE_USER>", { identity })).toBe("<an%22n%0A,an%22n%0A>");
});

test("what is not there is empty", () => {
  expect(render("<#QUERY_NOTHING>")).toBe("<>");
  expect(render("<#QUERY_EMPTY>")).toBe("<>");
  expect(render("<#HTTP_X_NOTHING>")).toBe("<>");
  expect(render("<#QUERY_STRING#PATH_INFO>", { query: "", pathInfo: "" })).toBe("<>");
  expect(render("<#QUERY___PROTO__#QUERY_CONSTRUCTOR#HTTP___PROTO__>")).toBe("<>");
});

test("secrets and what would be a proxy setting are not told", () => {
  expect(render("<#HTTP_AUTHORIZATION#HTTP_PROXY>")).toBe("<>");
});

test("the longest name is the one that counts", () => {
  const query = "a=short&ab=long&string=not+this&id=x";

  expect(render("#QUERY_AB #QUERY_A #QUERY_ABC", { query })).toBe("long short ");
  expect(render("#QUERY_STRINGS|#QUERY_STRING", { query })).toBe("|a=short&ab=long&string=not+this&id=x");
  expect(render("#REMOTE_ADDRESS #REMOTE_PORTS #ROOMS #IDS")).toBe("::1ESS 5000S lobbyS 7S");
  expect(render("#QUERY_ID#ID", { query })).toBe("x7");
});

test("what is no name stays as it is", () => {
  const text = '# #id #room #Query_A #query_a #QUERY #QUERY_ #HTTP_ #PATH #CONTENT_LENGTH ##  $& $1 $` %41 \\n "é"';

  expect(render(text)).toBe(text);
  expect(render("##ID#")).toBe("#7#");
  expect(render("")).toBe("");
});

test("a name may come more than once, with nothing between two", () => {
  expect(render("#ID#ID,#ROOM#ID")).toBe("77,lobby7");
});

test("a value that looks like a name is not replaced again", () => {
  expect(render("#QUERY_A", { query: "a=%23ID" })).toBe("%23ID");
  expect(render("#QUERY_STRING", { query: "#ID&#ROOM" })).toBe("%23ID&%23ROOM");
  expect(render("##QUERY_A", { query: "a=ID" })).toBe("#ID");
  expect(render("#QUERY_A#QUERY_B", { query: "a=$1&b=$%26" })).toBe("%241%24%26");
});

test("values keep letters, digits and -._~: only, the query also &=%+", () => {
  const ascii = Array.from({ length: 0x80 }, (_, code) => String.fromCharCode(code)).join("");
  const kept = /[A-Za-z0-9._~:-]/;
  const keptInQuery = /[A-Za-z0-9._~:&=%+-]/;

  expect(render("#PATH_INFO", { pathInfo: ascii })).toBe(encodeExcept(ascii, kept));
  expect(render("#QUERY_STRING", { query: ascii })).toBe(encodeExcept(ascii, keptInQuery));
  expect(render("#QUERY_A", { query: `a=${encodeURIComponent(ascii)}` })).toBe(encodeExcept(ascii, kept));
});

test("other characters are encoded as the bytes of their UTF-8", () => {
  expect(render("#QUERY_A", { query: "a=é😀" })).toBe("%C3%A9%F0%9F%98%80");
  expect(render("#QUERY_STRING", { query: "é" })).toBe("%C3%A9");
  expect(render("#HTTP_X", { rawHeaders: ["X", "\u00c3\u00a9"] })).toBe("%C3%A9");
  expect(render("#QUERY_A", { query: "a=%ff" })).toBe("%EF%BF%BD");
});

test("whatever a client sends, it neither breaks out of JSON nor writes a line of its own", () => {
  const template =
    '{"id":#ID,"room":"#ROOM","a":"#QUERY_A","q":"#QUERY_STRING","ua":"#HTTP_USER_AGENT","p":"#PATH_INFO"}';
  const anything = fc.string({ unit: "binary" });
  fc.assert(
    fc.property(anything, anything, anything, (query, agent, pathInfo) => {
      const rendered = render(template, { query: `${query}&a=${query}`, rawHeaders: ["User-Agent", agent], pathInfo });
      expect(rendered).toMatch(/^[\u0020-\u007e]*$/);
      expect(Object.keys(JSON.parse(rendered) as object)).toEqual(["id", "room", "a", "q", "ua", "p"]);
    }),
  );
});

test("any value comes back by percent-decoding", () => {
  fc.assert(
    fc.property(fc.string({ unit: "grapheme" }), (value) => {
      expect(decodeURIComponent(render("#PATH_INFO", { pathInfo: value }))).toBe(value);
      expect(decodeURIComponent(render("#QUERY_A", { query: `a=${encodeURIComponent(value)}` }))).toBe(value);
    }),
  );
});

test("the text around the names goes out as UTF-8, line breaks and all", () => {
  const message = compileTemplate("é\n#ID\n😀", software)(4_294_967_295, plainRequest);

  expect(message).toEqual(Buffer.from("é\n4294967295\n😀"));
});

test("a template serves one client after the other", () => {
  const template = compileTemplate("#ID in #ROOM", software);

  expect(template(1, plainRequest).toString()).toBe("1 in lobby");
  expect(template(2, { ...plainRequest, room: "cellar" }).toString()).toBe("2 in cellar");
});

function render(template: string, changes: Partial<JoinRequest> = {}): string {
  return compileTemplate(template, software)(7, { ...plainRequest, ...changes }).toString();
}

/** Of ASCII characters. */
function encodeExcept(text: string, kept: RegExp): string {
  return text.replaceAll(/[^]/g, (character) =>
    kept.test(character) ? character : `%${character.charCodeAt(0).toString(16).toUpperCase().padStart(2, "0")}`,
  );
}
