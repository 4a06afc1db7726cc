import { expect, test } from "vitest";
import { cgiNames, cgiVariables, type JoinRequest } from "../../src/join-request.ts";

const software = "scalesocket/1.2.3";

const request: JoinRequest = {
  connectionId: 1,
  basePath: "",
  room: "lobby",
  pathInfo: "/deeper path",
  query: "a=1&b=%20",
  url: "/lobby/deeper%20path?a=1&b=%20",
  method: "GET",
  host: "example.com:9000",
  httpVersion: "1.1",
  rawHeaders: [],
  remoteAddress: "192.0.2.1",
  remotePort: 5000,
  serverPort: 9000,
  scheme: "http",
  identity: null,
  tlsSubject: "",
};

const base = {
  GATEWAY_INTERFACE: "CGI/1.1",
  QUERY_STRING: "a=1&b=%20",
  REMOTE_ADDR: "192.0.2.1",
  REMOTE_HOST: "192.0.2.1",
  REMOTE_PORT: "5000",
  REQUEST_METHOD: "GET",
  REQUEST_URI: "/lobby/deeper%20path?a=1&b=%20",
  SCRIPT_NAME: "/lobby",
  PATH_INFO: "/deeper path",
  SERVER_NAME: "example.com",
  SERVER_PORT: "9000",
  SERVER_PROTOCOL: "HTTP/1.1",
  SERVER_SOFTWARE: software,
  ROOM: "lobby",
};

const more = { REMOTE_USER: "ann", AUTH_TYPE: "Bearer", HTTPS: "on", TLS_CLIENT_S_DN: "CN=ann" };

test("a request becomes the variables of RFC 3875", () => {
  expect(variablesOf({})).toEqual(base);
  for (const name of Object.keys(base)) expect(cgiNames).toContain(name);
});

test("who a client has shown to be, and how it came, are told where there is something to tell", () => {
  const identity = { user: "ann", authType: "Bearer", expiresAtMs: null };
  const told = variablesOf({ identity, scheme: "https", tlsSubject: "CN=ann" });
  expect(told).toEqual({ ...base, ...more });
  expect(cgiNames.toSorted()).toEqual(Object.keys(told).toSorted());
});

test.each([
  ["example.com", "example.com"],
  ["example.com:80", "example.com"],
  ["example.com:", "example.com"],
  ["192.0.2.1:80", "192.0.2.1"],
  ["[::1]:80", "[::1]"],
  ["[::1]", "[::1]"],
  ["", ""],
])("the host %j makes the server name %j", (host, name) => {
  expect(variablesOf({ host })["SERVER_NAME"]).toBe(name);
});

test("an empty query and path are there, empty", () => {
  expect(variablesOf({ query: "", pathInfo: "" })).toMatchObject({ QUERY_STRING: "", PATH_INFO: "" });
});

test("headers become HTTP_ variables, with dashes as underscores", () => {
  const rawHeaders = [
    "Host",
    "h:1",
    "User-Agent",
    "curl",
    "X-Forwarded-For",
    "10.0.0.1",
    "x-1",
    "",
    "Content-Type",
    "a/b",
  ];

  expect(variablesOf({ rawHeaders })).toEqual({
    ...base,
    HTTP_HOST: "h:1",
    HTTP_USER_AGENT: "curl",
    HTTP_X_FORWARDED_FOR: "10.0.0.1",
    HTTP_X_1: "",
    HTTP_CONTENT_TYPE: "a/b",
  });
});

test.each(["Proxy", "PROXY", "proxy", "Authorization", "authorization", "Proxy-Authorization", "PROXY-AUTHORIZATION"])(
  "the header %s is told to nobody",
  (name) => {
    expect(variablesOf({ rawHeaders: [name, "secret"] })).toEqual(base);
  },
);

test.each(["X_Y", "X.Y", "X Y", "X=Y", "é", "a\nb", "", "X'", "PATH\0", "%50ATH"])(
  "a header called %j is left out",
  (name) => {
    expect(variablesOf({ rawHeaders: [name, "value"] })).toEqual(base);
  },
);

test("no header can set another variable", () => {
  const names = [
    "PATH",
    "LD-PRELOAD",
    "NODE-OPTIONS",
    "REMOTE-ADDR",
    "ROOM",
    "QUERY-STRING",
    "PORT",
    "__proto__",
    "constructor",
  ];
  const variables = variablesOf({ rawHeaders: names.flatMap((name) => [name, "evil"]) });

  const others = Object.fromEntries(Object.entries(variables).filter(([name]) => !name.startsWith("HTTP_")));
  expect(others).toEqual(base);
  expect(variables).toMatchObject({ HTTP_PATH: "evil", HTTP_LD_PRELOAD: "evil", HTTP_REMOTE_ADDR: "evil" });
});

test("headers of one name become one value", () => {
  const rawHeaders = ["X-A", "1", "Cookie", "a=1", "x-a", "2", "cookie", "b=2", "X-A", ""];

  expect(variablesOf({ rawHeaders })).toMatchObject({ HTTP_X_A: "1, 2, ", HTTP_COOKIE: "a=1; b=2" });
});

test("a header in UTF-8 is read as such, one in Latin-1 too", () => {
  const utf8 = Buffer.from("Grüße 😀").toString("latin1");

  expect(variablesOf({ rawHeaders: ["X-A", utf8] })["HTTP_X_A"]).toBe("Grüße 😀");
  expect(variablesOf({ rawHeaders: ["X-A", "Gr\u00fc\u00dfe"] })["HTTP_X_A"]).toBe("Grüße");
  expect(variablesOf({ rawHeaders: ["X-A", "plain"] })["HTTP_X_A"]).toBe("plain");
});

function variablesOf(changes: Partial<JoinRequest>): Record<string, string> {
  return Object.fromEntries(cgiVariables({ ...request, ...changes }, software));
}

test("SCRIPT_NAME says where the server is, too", () => {
  expect(cgiVariables({ ...request, basePath: "/x/y" }, software).get("SCRIPT_NAME")).toBe("/x/y/lobby");
});
