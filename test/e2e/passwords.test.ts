import { writeFileSync } from "node:fs";
import { expect, test as plainTest } from "vitest";
import { join, refusal } from "../helpers/client.ts";
import { argon2Hash, basic, bcryptHash } from "../helpers/passwords.ts";
import { sh } from "../helpers/programs.ts";
import { ask, rawRequest } from "../helpers/raw-http.ts";
import { runToEnd, startServer, type TestServer } from "../helpers/server.ts";
import { type TempFolder, tempFolder } from "../helpers/temp-folder.ts";
import { bearer, secretSigner, token } from "../helpers/tokens.ts";
import { until } from "../helpers/until.ts";

const tellUser = sh('echo "$AUTH_TYPE:$REMOTE_USER"; cat');
const challenge = 'Basic realm="scalesocket", charset="UTF-8"';
const secretText = "a secret of more than thirty-two bytes";

/** Users whose hashes are of each kind, in a file with all that such files may hold. */
async function usersFile(folder: TempFolder): Promise<string> {
  const path = folder.at("users");
  const lines = [
    "\ufeff# who may come in",
    "",
    `ann:${await bcryptHash("ann's password")}`,
    `bob:${await argon2Hash("bob:s\u00e4cret")}\r`,
    `c d:${(await bcryptHash("x".repeat(80).slice(0, 72))).replace("$2y$", "$2b$")}`,
    // From other programs: crypt_blowfish, and the reference implementation of argon2.
    "eve:$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW",
    "fay:$argon2id$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$CTFhFdXPJO1aFaMaO6Mm5c8y7cJHAph8ArZWb2GRPPc",
  ];
  writeFileSync(path, lines.join("\n"));
  return path;
}

const test = plainTest.extend<{ folder: TempFolder; users: string; server: TestServer }>({
  folder: [
    async ({}, use) => {
      await using folder = await tempFolder();
      writeFileSync(folder.at("index.html"), "hello");
      await use(folder);
    },
    { scope: "file" },
  ],
  users: [async ({ folder }, use) => use(await usersFile(folder)), { scope: "file" }],
  server: [
    async ({ folder, users }, use) => {
      const served = ["--staticdir", folder.path, "--metrics", "--stats", "--api"];
      await using server = await startServer(["-vv", "--auth-basic", users, ...served, ...tellUser]);
      await use(server);
    },
    { scope: "file" },
  ],
});

const good: readonly (readonly [user: string, password: string])[] = [
  ["ann", "ann's password"],
  ["bob", "bob:s\u00e4cret"],
  ["c d", "x".repeat(72)],
  // bcrypt reads no more of it, wherever the hash was made.
  ["c d", "x".repeat(80)],
  ["eve", "U*U"],
  ["fay", "password"],
];

test.for(good)("%s comes in with the password", async ([user, password], { server }) => {
  await using client = await join(server, `room-${user.replace(" ", "-")}-${password.length}`, basic(user, password));
  expect(await client.messages(1)).toEqual([`Basic:${user}`]);
});

const bad: readonly (readonly [user: string, password: string, why: string])[] = [
  ["ann", "ann's passwor", "the password is wrong"],
  ["ann", "bob:s\u00e4cret", "the password is wrong"],
  ["ann", "", "the password is wrong"],
  ["c d", "x".repeat(71), "the password is wrong"],
  ["Ann", "ann's password", "there is no such user"],
  ["", "ann's password", "there is no such user"],
  ["__proto__", "ann's password", "there is no such user"],
  ["# who may come in", "", "there is no such user"],
];

test.for(bad)("%j does not come in with the password %j", async ([user, password, why], { server }) => {
  const before = server.log().length;
  const { status, body, headers } = await refusal(server, "room", basic(user, password));
  expect([status, body]).toEqual([401, "wrong user or password\n"]);
  expect(headers["www-authenticate"]).toBe(challenge);
  await until(
    () => server.log().slice(before).includes(`(${why})`),
    () => server.log().slice(before),
  );
});

const guarded = ["/", "/index.html", "/metrics", "/room/stats", "/api/rooms/", "/none", "/health/", "/healthy"];

test.for(guarded)("%s needs a password", async (path, { server }) => {
  for (const headers of [
    {},
    basic("ann", "wrong").headers,
    { Authorization: "Basic !" },
    { Authorization: "Bearer x" },
  ]) {
    for (const method of ["GET", "HEAD"]) {
      const answer = await server.http(path, { method, headers: { ...headers } });
      expect([path, answer.status]).toEqual([path, 401]);
      expect(answer.headers.get("www-authenticate")).toBe(challenge);
      expect(await answer.text()).not.toContain("hello");
    }
  }
  const answer = await server.http(path, basic("ann", "ann's password"));
  expect([200, 404]).toContain(answer.status);
});

test("/health is open to everybody, however it is written, and nothing else is by way of it", async ({ server }) => {
  expect((await server.http("/health")).status).toBe(200);
  expect((await server.http("/health?x")).status).toBe(200);
  expect((await ask(server.port, rawRequest("/%68ealth"))).status).toBe(200);
  for (const target of ["/health/../metrics", "/health%2f..%2fmetrics", "//health", "/metrics?/health"]) {
    expect([target, (await ask(server.port, rawRequest(target))).status]).toEqual([target, 401]);
  }
  const upgrade = { Upgrade: "h2c", Connection: "Upgrade" };
  expect((await ask(server.port, rawRequest("/metrics", upgrade))).status).toBe(401);
});

test("the password is neither logged nor handed on, nor in the metrics", async ({ folder, users }) => {
  const words = ["-vv", "--metrics", "--auth-basic", users, ...sh("env; echo end; cat")];
  await using server = await startServer(words, { cwd: folder.path });
  await refusal(server, "room", basic("ann", "hush, a wrong one"));
  await using client = await join(server, "room", basic("fay", "password"));
  await until(() => client.received.includes("end"), "all variables");
  const metrics = await (await server.http("/metrics", basic("fay", "password"))).text();
  const everything = [...client.received, server.log(), metrics].join("\n");
  expect(everything).toContain("REMOTE_USER=fay");
  for (const secret of ["hush", "AUTHORIZATION", Buffer.from("fay:password").toString("base64"), "password\n"]) {
    expect(everything).not.toContain(secret);
  }
});

plainTest("while somebody guesses, health and those whose password is known are answered", async () => {
  await using folder = await tempFolder();
  writeFileSync(folder.at("users"), `ann:${await bcryptHash("right", 12)}\n`);
  const words = ["--workers", "0", "--metrics", "--auth-basic", folder.at("users"), "cat"];
  await using server = await startServer(words);
  expect((await server.http("/metrics", basic("ann", "right"))).status).toBe(200);
  let answered = 0;
  const guesses = Array.from({ length: 12 }, async (_each, number) => {
    const { status } = await server.http("/metrics", basic(number % 2 === 0 ? "ann" : "bob", `guess ${number}`));
    answered += 1;
    return status;
  });
  for (let asked = 0; asked < 3; asked += 1) {
    expect((await server.http("/health")).status).toBe(200);
    expect((await server.http("/metrics", basic("ann", "right"))).status).toBe(200);
  }
  // They were not answered behind the guesses.
  expect(answered).toBeLessThan(12);
  expect(new Set(await Promise.all(guesses))).toEqual(new Set([401]));
});

plainTest("more guesses than can be checked are put off, those of one address first", async () => {
  await using folder = await tempFolder();
  writeFileSync(folder.at("users"), `ann:${await bcryptHash("right", 12)}\n`);
  const words = ["--workers", "0", "--metrics", "--auth-basic", folder.at("users"), "cat"];
  await using server = await startServer(words);
  const guess = async (number: number): Promise<Response> => server.http("/metrics", basic("ann", `guess ${number}`));
  const answers = await Promise.all(Array.from({ length: 20 }, (_each, number) => guess(number)));
  const putOff = answers.filter(({ status }) => status === 503);
  // How many depends on how fast they came.
  expect(putOff.length).toBeGreaterThan(0);
  expect(putOff.every(({ headers }) => headers.get("retry-after") === "5")).toBe(true);
  expect(answers.filter(({ status }) => status === 401).length).toBe(20 - putOff.length);
  expect(20 - putOff.length).toBeGreaterThanOrEqual(16);
});

plainTest("a server stops though passwords wait to be checked", async () => {
  await using folder = await tempFolder();
  writeFileSync(folder.at("users"), `ann:${await bcryptHash("right", 15)}\n`);
  await using server = await startServer(["--workers", "0", "--auth-basic", folder.at("users"), "cat"]);
  const refused = refusal(server, "room", basic("ann", "wrong"));
  await until(async () => (await server.http("/health")).ok);
  expect(await server.stop()).toBe(0);
  expect([401, 503]).toContain((await refused).status);
});

plainTest("with tokens and passwords, either is enough for a room, and a token is judged alone", async () => {
  await using folder = await tempFolder();
  writeFileSync(folder.at("key"), secretText);
  writeFileSync(folder.at("users"), `bob:${await bcryptHash("right")}\n`);
  const words = ["--auth-jwt-key", folder.at("key"), "--auth-param", "token", "--auth-basic", folder.at("users")];
  await using server = await startServer(["--workers", "0", "--metrics", ...words, ...tellUser]);
  const signer = secretSigner(secretText);
  const text = await token(signer, { sub: "ann" });
  await using first = await join(server, "a", bearer(text));
  expect(await first.messages(1)).toEqual(["Bearer:ann"]);
  await using second = await join(server, "b", basic("bob", "right"));
  expect(await second.messages(1)).toEqual(["Basic:bob"]);
  await using third = await join(server, `c?token=${text}`, basic("bob", "right"));
  expect(await third.messages(1)).toEqual(["Bearer:ann"]);
  const expired = await token(signer, { sub: "ann", exp: 1 });
  expect((await refusal(server, `a?token=${expired}`, basic("bob", "right"))).status).toBe(401);
  expect((await refusal(server, "a", basic("bob", "wrong"))).status).toBe(401);
  const { status, headers } = await refusal(server, "a");
  expect(status).toBe(401);
  expect(headers["www-authenticate"]).toBe(`${challenge}, Bearer realm="scalesocket"`);
  // Everything but rooms is behind the password.
  expect((await server.http("/metrics", bearer(text))).status).toBe(401);
  expect((await server.http("/metrics", basic("bob", "right"))).status).toBe(200);
});

plainTest("a file with anything else than bcrypt and argon2 ends the start, with its line", async () => {
  await using folder = await tempFolder();
  const path = folder.at("users");
  const cases: readonly (readonly [text: string, line: string, fault: string])[] = [
    [`ann:${await bcryptHash("x")}\nbob:$apr1$salt$hash`, ":2", "expected bcrypt ($2y$, $2b$, $2a$) or argon2"],
    ["ann", ":1", "expected a user, a colon and a hash"],
    ["# nobody\n", "", "holds no user, so that nobody could come in"],
  ];
  for (const [text, line, fault] of cases) {
    writeFileSync(path, text);
    const { code, stderr } = await runToEnd(["--auth-basic", path, "cat"]);
    expect(code).toBe(2);
    expect(stderr).toContain(`scalesocket: --auth-basic: ${path}${line}: ${fault}`);
  }
});
