import { execFileSync } from "node:child_process";
import { writeFileSync } from "node:fs";
import { expect, test as plainTest } from "vitest";
import { WebSocket } from "ws";
import { join, refusal } from "../helpers/client.ts";
import { sh } from "../helpers/programs.ts";
import { ask } from "../helpers/raw-http.ts";
import { upgradeRequest } from "../helpers/raw-socket.ts";
import { runToEnd, startServer, type TestServer } from "../helpers/server.ts";
import { type TempFolder, tempFolder } from "../helpers/temp-folder.ts";
import { bearer, createSigner, inSeconds, secretSigner, token, unsignedToken } from "../helpers/tokens.ts";
import { until } from "../helpers/until.ts";

const claims = { sub: "ann", aud: "game", iss: "https://issuer.example" };
const signer = createSigner("ES256");
/** A server that takes tokens of one key, one audience and one issuer; programs tell who has started them. */
const options = ["--auth-audience", claims.aud, "--auth-issuer", claims.iss, "--auth-param", "token"];
const tellUser = sh('echo "$AUTH_TYPE:$REMOTE_USER"; cat');

const test = plainTest.extend<{ folder: TempFolder; server: TestServer }>({
  folder: [
    async ({}, use) => {
      await using folder = await tempFolder();
      await use(folder);
    },
    { scope: "file" },
  ],
  server: [
    async ({ folder }, use) => {
      const file = keyFile(folder, signer.text);
      await using server = await startServer(["-vv", "--auth-jwt-key", file, ...options, ...tellUser]);
      await use(server);
    },
    { scope: "file" },
  ],
});

let files = 0;

function keyFile(folder: TempFolder, text: string | object): string {
  const path = folder.at(`key-${(files += 1)}`);
  writeFileSync(path, typeof text === "string" ? text : JSON.stringify(text));
  return path;
}

function serverWith(folder: TempFolder, key: string | object, ...words: readonly string[]): Promise<TestServer> {
  return startServer(["--workers", "0", "--auth-jwt-key", keyFile(folder, key), ...words, ...tellUser]);
}

async function firstMessage(server: TestServer, path: string, text: string): Promise<string | Buffer | undefined> {
  await using client = await join(server, path, bearer(text));
  return (await client.messages(1))[0];
}

/** Why a token is refused: what the client is told, and what the log says. */
async function whyRefused(server: TestServer, text: string): Promise<string> {
  const before = server.log().length;
  const { status, body, headers } = await refusal(server, "room", bearer(text));
  expect(status).toBe(401);
  expect(headers["www-authenticate"]).toBe(
    `Bearer realm="scalesocket", error="invalid_token", error_description="${body.trim()}"`,
  );
  const logged = (): string | undefined =>
    /refused with 401: (.*) address=127\.0\.0\.1$/m.exec(server.log().slice(before))?.[1];
  await until(() => logged() !== undefined, "the refusal in the log");
  return logged() ?? "";
}

plainTest.each(["HS256", "RS256", "ES256", "EdDSA"])(
  "tokens of %s are taken, however the key is written",
  async (name) => {
    await using folder = await tempFolder();
    const one = createSigner(name);
    for (const key of [one.text, one.jwk, { keys: [one.jwk] }, `\ufeff${JSON.stringify(one.jwk)}\n`]) {
      await using server = await serverWith(folder, key);
      expect(await firstMessage(server, "room", await token(one, claims))).toBe("Bearer:ann");
      expect(await whyRefused(server, await token(createSigner(name), claims))).toBe(
        "the token is not valid (its signature is wrong)",
      );
    }
  },
);

test("the key of a certificate is taken", async ({ folder }) => {
  const [key, certificate] = [folder.at("cert-key.pem"), folder.at("cert.pem")];
  const { key: privateKey } = signer;
  writeFileSync(key, privateKey.export({ type: "pkcs8", format: "pem" }));
  execFileSync("openssl", ["req", "-x509", "-key", key, "-subj", "/CN=issuer", "-out", certificate]);
  await using server = await startServer(["--workers", "0", "--auth-jwt-key", certificate, ...tellUser]);
  expect(await firstMessage(server, "room", await token(signer, claims))).toBe("Bearer:ann");
});

const notValid = "the token is not valid";
const wrongSignature = `${notValid} (its signature is wrong)`;
const noKey = `${notValid} (no key fits it)`;
const wrongAlgorithm = `${notValid} (its algorithm is not allowed)`;
const wrongClaim = (name: string): string => `${notValid} (claim ${name} is not as it must be)`;
const noText = `${notValid} (claim sub is not text)`;
const noName = `${notValid} (a user's name holds control characters)`;
const noRooms = `${notValid} (claim room or rooms is neither a name nor a list of names)`;
const noToken = `${notValid} (it cannot be read: ERR_JWS_INVALID)`;

type Case = readonly [name: string, why: string, make: () => string | Promise<string>];

const refused: readonly Case[] = [
  ["without a signature", wrongAlgorithm, () => unsignedToken(claims)],
  ["without a signature, in other letters", wrongAlgorithm, () => unsignedToken(claims, "nOnE")],
  ["that says ES256 and has no signature", wrongSignature, () => unsignedToken(claims, "ES256")],
  ["of another key", wrongSignature, () => token(createSigner("ES256"), claims)],
  ["of another curve", wrongAlgorithm, () => token(createSigner("ES384"), claims)],
  ["of another kind of key", noKey, () => token(createSigner("RS256"), claims)],
  ["whose secret is the public key", noKey, () => token(secretSigner(signer.text), claims)],
  ["whose secret is the public key, tidied", noKey, () => token(secretSigner(signer.text.trim()), claims)],
  ["for another audience", wrongClaim("aud"), () => token(signer, { ...claims, aud: "gamer" })],
  ["for several other audiences", wrongClaim("aud"), () => token(signer, { ...claims, aud: ["a", "b"] })],
  ["for no audience", wrongClaim("aud"), () => token(signer, { sub: "ann", iss: claims.iss })],
  ["of another issuer", wrongClaim("iss"), () => token(signer, { ...claims, iss: `${claims.iss}.evil` })],
  ["of no issuer", wrongClaim("iss"), () => token(signer, { sub: "ann", aud: claims.aud })],
  ["that has expired", "the token has expired", () => token(signer, { ...claims, exp: inSeconds(-10) })],
  ["that is not valid yet", wrongClaim("nbf"), () => token(signer, { ...claims, nbf: inSeconds(30) })],
  ["whose end is a text", wrongClaim("exp"), () => token(signer, { ...claims, exp: "never" })],
  ["whose claims were changed", wrongSignature, changedToken],
  ["with a critical header", `${notValid} (it cannot be read: ERR_JOSE_NOT_SUPPORTED)`, criticalToken],
  ["with a number for a user", noText, () => token(signer, { ...claims, sub: 7 })],
  ["with a line's end in the user", noName, () => token(signer, { ...claims, sub: "ann\nREMOTE_ADDR=x" })],
  ["with a NUL in the user", noName, () => token(signer, { ...claims, sub: "ann\0" })],
  ["with half a character in the user", noName, () => token(signer, { ...claims, sub: "ann\ud800" })],
  [
    "with too long a user",
    `${notValid} (a user's name is longer than 256 bytes)`,
    () => token(signer, { ...claims, sub: "a".repeat(257) }),
  ],
  ["with a number for a room", noRooms, () => token(signer, { ...claims, room: 1 })],
  ["with an object among the rooms", noRooms, () => token(signer, { ...claims, rooms: ["room", {}] })],
  ["with null for rooms", noRooms, () => token(signer, { ...claims, room: "room", rooms: null })],
  ["that is none", noToken, () => "none"],
  ["that is encrypted", noToken, () => "a.b.c.d.e"],
];

async function changedToken(): Promise<string> {
  const [head, , signature] = (await token(signer, claims)).split(".");
  return [head, unsignedToken({ ...claims, sub: "root" }).split(".")[1], signature].join(".");
}

async function criticalToken(): Promise<string> {
  const [, payload, signature] = (await token(signer, claims)).split(".");
  const head = Buffer.from(JSON.stringify({ alg: "ES256", crit: ["wanted"], wanted: true })).toString("base64url");
  return [head, payload, signature].join(".");
}

test.for(refused)("a token %s is refused", async ([, why, make], { server }) => {
  expect(await whyRefused(server, await make())).toBe(why);
});

const taken: readonly (readonly [name: string, user: string, make: () => Promise<string>])[] = [
  ["with all that is asked for", "ann", () => token(signer, claims)],
  ["for several audiences", "ann", () => token(signer, { ...claims, aud: ["other", claims.aud] })],
  ["that has expired just now", "ann", () => token(signer, { ...claims, exp: inSeconds(-2) })],
  ["that is valid in a moment", "ann", () => token(signer, { ...claims, nbf: inSeconds(3) })],
  ["with a name of a key", "ann", () => token(signer, claims, { kid: "any" })],
  ["with a user of 256 bytes", "a".repeat(256), () => token(signer, { ...claims, sub: "a".repeat(256) })],
  ["with a user in any letters", "Ænn 😀:%", () => token(signer, { ...claims, sub: "Ænn 😀:%" })],
  ["with no user", "", () => token(signer, { aud: claims.aud, iss: claims.iss })],
  ["without an end", "ann", () => token(signer, { ...claims, exp: undefined })],
];

/** A room of its own for each, whose program is started for it. */
let rooms = 0;

test.for(taken)("a token %s is taken", async ([, user, make], { server }) => {
  expect(await firstMessage(server, `room-${(rooms += 1)}`, await make())).toBe(`Bearer:${user}`);
});

test("who shows no token is asked for one", async ({ server }) => {
  for (const headers of [{}, { Authorization: "Basic YTpi" }, { Authorization: "Bearer" }]) {
    const { status, body, headers: answer } = await refusal(server, "room", { headers });
    expect([status, body]).toEqual([401, "show who you are\n"]);
    expect(answer["www-authenticate"]).toBe('Bearer realm="scalesocket"');
  }
});

plainTest("keys of a set are told apart by their names", async () => {
  await using folder = await tempFolder();
  const [a, b, c] = [createSigner("ES256"), createSigner("ES256"), createSigner("EdDSA")];
  const foreign = createSigner("ES384");
  const keys = [
    { ...a.jwk, kid: "a" },
    { ...b.jwk, kid: "b", use: "sig", alg: "ES256", key_ops: ["verify"] },
    { ...c.jwk, kid: "c" },
    { ...foreign.jwk, kid: "d" },
  ];
  await using server = await serverWith(folder, { keys });
  expect(await firstMessage(server, "a", await token(a, claims, { kid: "a" }))).toBe("Bearer:ann");
  expect(await firstMessage(server, "b", await token(b, claims, { kid: "b" }))).toBe("Bearer:ann");
  expect(await firstMessage(server, "c", await token(c, claims))).toBe("Bearer:ann");
  expect(await whyRefused(server, await token(a, claims, { kid: "b" }))).toBe(wrongSignature);
  expect(await whyRefused(server, await token(a, claims, { kid: "other" }))).toBe(noKey);
  expect(await whyRefused(server, await token(a, claims, { kid: "c" }))).toBe(noKey);
  expect(await whyRefused(server, await token(foreign, claims, { kid: "d" }))).toBe(wrongAlgorithm);
  // It could be either.
  expect(await whyRefused(server, await token(a, claims))).toBe(noKey);
});

const roomClaims: readonly (readonly [claims: object, inside: readonly string[], outside: readonly string[]])[] = [
  [{}, ["a", "b", "__proto__"], []],
  [{ room: "a" }, ["a"], ["b", "A", "__proto__"]],
  [{ rooms: "a" }, ["a"], ["b"]],
  [{ rooms: ["a", "b"] }, ["a", "b"], ["ab", "c"]],
  [{ room: "a", rooms: ["b"] }, ["a", "b"], ["c"]],
  [{ room: "*" }, ["a", "b"], []],
  [{ room: "a", rooms: ["x", "*"] }, ["b"], []],
  [{ room: "a*" }, ["a*"], ["a", "ab"]],
  [{ rooms: [] }, [], ["a"]],
  [{ rooms: ["__proto__"] }, ["__proto__"], ["constructor", "a"]],
];

test.for(roomClaims)("a token with %j opens only these rooms", async ([more, inside, outside], { server }) => {
  const headers = bearer(await token(signer, { ...claims, ...more }));
  for (const room of inside) {
    await using client = await join(server, room, headers);
    expect(client.socket.readyState).toBe(WebSocket.OPEN);
  }
  for (const room of outside) {
    const { status, body } = await refusal(server, room, headers);
    expect([status, body]).toEqual([403, "this room is not yours to enter\n"]);
  }
});

/** What a program finds: its variables, and the join message. */
const dump = ["--joinmsg", "#USER|#QUERY_STRING|#QUERY_TOKEN|#REQUEST_URI", ...sh("env; echo; cat")];

async function startDumping(folder: TempFolder): Promise<TestServer> {
  const key = keyFile(folder, signer.text);
  return startServer(["-vv", "--metrics", "--auth-jwt-key", key, "--auth-param", "token", ...dump]);
}

type Carried = readonly [
  name: string,
  target: (text: string) => string,
  headers: (text: string) => Record<string, string>,
];

const carriers: readonly Carried[] = [
  ["header", () => "/room?x=1&y=2", (text) => ({ Authorization: `Bearer ${text}` })],
  ["header, in other letters", () => "/room?x=1&y=2", (text) => ({ authorization: `bEARER  ${text}` })],
  ["subprotocol", () => "/room?x=1&y=2", (text) => ({ "Sec-WebSocket-Protocol": `scalesocket.auth.${text}` })],
  ["query", (text) => `/room?x=1&token=${text}&y=2`, () => ({})],
  ["query, with escapes", (text) => `/room?x=1&y=2&%74oken=${text.replaceAll(".", "%2E")}`, () => ({})],
  ["query, behind a second question mark", (text) => `/room??token=${text}&x=1&y=2`, () => ({})],
  [
    "all at once",
    (text) => `/room?token=${text}&x=1&y=2`,
    (text) => ({
      Authorization: `Bearer ${text}`,
      "Sec-WebSocket-Protocol": `scalesocket.auth.${text}, chat`,
    }),
  ],
];

test.for(carriers)("a token in the %s is neither logged nor handed on", async ([, target, headers], { folder }) => {
  await using server = await startDumping(folder);
  const text = await token(signer, { ...claims, sub: "ann" });
  const received = await dumpOf(server, target(text), headers(text));
  expect(received).toContain("REMOTE_USER=ann\n");
  expect(received).toContain("AUTH_TYPE=Bearer\n");
  expect(received).toContain("QUERY_STRING=x=1&y=2\n");
  expect(received).toContain("REQUEST_URI=/room?x=1&y=2\n");
  expect(received).toContain("\nann|x=1&y=2||%2Froom%3Fx%3D1%26y%3D2\n");
  expect(received).not.toContain("AUTHORIZATION");
  expect(received).not.toContain("scalesocket.auth");
  const everything = [received, server.log(), await (await server.http("/metrics")).text()].join("\n");
  const signature = text.slice(text.lastIndexOf(".") + 1);
  expect(everything.includes(signature)).toBe(false);
  expect(server.log()).toContain("client joined");
});

/** All that a room's first client is sent, up to the end of the join message. */
async function dumpOf(server: TestServer, target: string, headers: Record<string, string>): Promise<string> {
  const protocols = headers["Sec-WebSocket-Protocol"]?.split(", ") ?? [];
  const socket = new WebSocket(`ws://127.0.0.1:${server.port}${target}`, protocols, { headers });
  let received = "";
  socket.on("message", (data) => {
    received += `${(data as Buffer).toString()}\n`;
  });
  try {
    await until(
      () => received.includes("|"),
      () => `the join message: ${received}\n${server.log()}`,
    );
  } finally {
    socket.terminate();
  }
  return received;
}

test("a token that is refused is not logged either", async ({ folder }) => {
  await using server = await startDumping(folder);
  const text = await token(createSigner("ES256"), claims);
  const targets = [`/room?token=${text}`, `/room/?a=b&token=${text}#x`];
  for (const target of targets) expect((await ask(server.port, upgradeRequest(target))).status).toBe(401);
  const protocol = { "Sec-WebSocket-Protocol": `scalesocket.auth.${text}` };
  expect((await ask(server.port, upgradeRequest("/room", protocol))).status).toBe(401);
  await until(() => server.log().split("refused with 401").length === 4, "the refusals in the log");
  expect(server.log().includes(text.slice(-20))).toBe(false);
});

test("different tokens in one request are refused, the same one twice is not", async ({ server }) => {
  const [one, other] = [await token(signer, claims), await token(signer, { ...claims, sub: "bob" })];
  const both = { Authorization: `Bearer ${one}`, "Sec-WebSocket-Protocol": `scalesocket.auth.${other}` };
  for (const request of [
    upgradeRequest("/room", both),
    upgradeRequest(`/room?token=${one}&token=${other}`),
    upgradeRequest(`/room?token=${other}`, bearer(one).headers),
  ]) {
    const { status, body, headers } = await ask(server.port, request);
    expect([status, body]).toEqual([400, "different tokens in one request\n"]);
    expect(headers.get("www-authenticate")).toBe('Bearer realm="scalesocket", error="invalid_request"');
  }
  expect((await ask(server.port, upgradeRequest(`/room?token=${one}&token=${one}`, bearer(one).headers))).status).toBe(
    101,
  );
});

test("without --auth-param, no query parameter is a token", async ({ folder }) => {
  await using server = await serverWith(folder, signer.text);
  const text = await token(signer, claims);
  expect((await ask(server.port, upgradeRequest(`/room?token=${text}`))).status).toBe(401);
  expect((await ask(server.port, upgradeRequest("/room", bearer(text).headers))).status).toBe(101);
});

test("of the subprotocols that are offered, one that carries a token is answered only where it is alone", async ({
  server,
}) => {
  const carrier = `scalesocket.auth.${await token(signer, claims)}`;
  const answered = async (offer: string): Promise<string | undefined> => {
    const answer = await ask(server.port, upgradeRequest("/room", { "Sec-WebSocket-Protocol": offer }));
    expect(answer.status).toBe(101);
    return answer.headers.get("sec-websocket-protocol");
  };
  expect(await answered(carrier)).toBe(carrier);
  expect(await answered(`${carrier}, chat, game`)).toBe("chat");
  expect(await answered(`game, ${carrier}`)).toBe("game");
});

plainTest.each([
  ["in workers", ["--workers", "2"]],
  ["in one process", ["--workers", "0"]],
])("a client whose token expires is closed with 4003, and the others stay: %s", async (_name, words) => {
  await using folder = await tempFolder();
  const key = keyFile(folder, signer.text);
  await using server = await startServer([...words, "--auth-jwt-key", key, ...tellUser]);
  await using lasting = await join(server, "room", bearer(await token(signer, claims)));
  await lasting.messages(1);
  // Five seconds are for clocks that differ.
  await using short = await join(server, "room", bearer(await token(signer, { ...claims, exp: inSeconds(-2) })));
  expect(await short.closed).toEqual({ code: 4003, reason: "what you have shown to come in has expired" });
  lasting.send("hello");
  expect(await lasting.messages(2)).toEqual(["Bearer:ann", "hello"]);
});

plainTest("who waits for a room's next process is closed when the token expires, too", async () => {
  await using folder = await tempFolder();
  const key = keyFile(folder, signer.text);
  const stubborn = sh('trap "" TERM; echo ready; exec 0<&-; while :; do sleep 0.1; done');
  await using server = await startServer(["--killgrace", "30", "--workers", "0", "--auth-jwt-key", key, ...stubborn]);
  const first = await join(server, "room", bearer(await token(signer, claims)));
  await first.messages(1);
  first.socket.close();
  await first.closed;
  await using waiting = await join(server, "room", bearer(await token(signer, { ...claims, exp: inSeconds(-2) })));
  expect((await waiting.closed).code).toBe(4003);
  expect(waiting.received).toEqual([]);
});

plainTest("a file without a usable key ends the start, and the message says why", async () => {
  await using folder = await tempFolder();
  const cases = [
    ["short", "a secret must have at least 32 bytes, this one has 5"],
    [createSigner("ES384").text, "keys must be RSA, P-256 or Ed25519, not secp384r1"],
  ] as const;
  for (const [text, fault] of cases) {
    const path = keyFile(folder, text);
    const { code, stderr } = await runToEnd(["--auth-jwt-key", path, "cat"]);
    expect(code).toBe(2);
    expect(stderr).toContain(`scalesocket: --auth-jwt-key: ${path}: ${fault}\n`);
  }
  const { code, stderr } = await runToEnd(["--auth-jwt-key", folder.at("none"), "cat"]);
  expect(code).toBe(2);
  expect(stderr).toContain(`--auth-jwt-key: cannot read ${folder.at("none")}: ENOENT`);
});
