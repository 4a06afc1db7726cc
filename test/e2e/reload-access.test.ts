import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { renameSync, writeFileSync } from "node:fs";
import { expect, test } from "vitest";
import { WebSocket } from "ws";
import { makeCertificate } from "../helpers/certificates.ts";
import { join, refusal } from "../helpers/client.ts";
import { basic, bcryptHash } from "../helpers/passwords.ts";
import { sh } from "../helpers/programs.ts";
import { ask, rawRequest } from "../helpers/raw-http.ts";
import { upgradeRequest } from "../helpers/raw-socket.ts";
import { startServer, type TestServer } from "../helpers/server.ts";
import { tempFolder } from "../helpers/temp-folder.ts";
import { bearer, createSigner, token } from "../helpers/tokens.ts";
import { until } from "../helpers/until.ts";

const signer = createSigner("ES256");

/** Asks the server to read its files again, and waits until it has said so as often. */
async function reload(server: TestServer, what: string): Promise<void> {
  const before = server.log().split(what).length;
  server.child.kill("SIGHUP");
  await until(
    () => server.log().split(what).length > before,
    () => `${what}: ${server.log()}`,
  );
}

test("at SIGHUP the file of passwords is read again, and a broken one changes nothing", async () => {
  await using folder = await tempFolder();
  const users = folder.at("users");
  writeFileSync(users, `ann:${await bcryptHash("right")}\n`);
  await using server = await startServer(["--auth-basic", users, "cat"]);
  const statusOf = async (user: string): Promise<number> => (await server.http("/", basic(user, "right"))).status;
  expect([await statusOf("ann"), await statusOf("bob")]).toEqual([404, 401]);
  await using inside = await join(server, "room", basic("ann", "right"));

  writeFileSync(users, `bob:${await bcryptHash("right")}\nann:right\n`);
  await reload(server, "cannot read again, and stays as it was: users");
  expect(server.log()).toContain(`${users}:2: expected bcrypt`);
  expect([await statusOf("ann"), await statusOf("bob")]).toEqual([404, 401]);

  writeFileSync(users, `bob:${await bcryptHash("right")}\n`);
  await reload(server, "read again: users");
  expect([await statusOf("ann"), await statusOf("bob")]).toEqual([401, 404]);
  // Who is in stays.
  inside.send("hello");
  expect(await inside.messages(1)).toEqual(["hello"]);
});

test("a pipe that nobody writes to, in the place of a file, holds up no SIGHUP", async () => {
  await using folder = await tempFolder();
  const users = folder.at("users");
  const { cert, key } = await makeCertificate(folder, "one");
  writeFileSync(users, `ann:${await bcryptHash("right")}\n`);
  const tls = ["--tlscert", cert, "--tlskey", key];
  await using server = await startServer([...tls, "--auth-basic", users, "cat"]);
  for (const path of [users, cert]) {
    renameSync(path, `${path}.away`);
    execFileSync("mkfifo", [path]);
  }
  await reload(server, "cannot read again, and stays as it was: users");
  await reload(server, "cannot read again, and stays as it was: certificate");
  renameSync(`${users}.away`, users);
  await reload(server, "read again: users");
  expect(await server.stop()).toBe(0);
});

test("at SIGHUP the keys of tokens are read again", async () => {
  await using folder = await tempFolder();
  const key = folder.at("key.pem");
  const next = createSigner("RS256");
  writeFileSync(key, signer.text);
  await using server = await startServer(["--auth-jwt-key", key, "cat"]);
  await using first = await join(server, "room", bearer(await token(signer)));
  expect((await refusal(server, "room", bearer(await token(next)))).status).toBe(401);
  writeFileSync(key, next.text);
  await reload(server, "read again: keys of tokens");
  await using second = await join(server, "room", bearer(await token(next)));
  expect((await refusal(server, "room", bearer(await token(signer)))).status).toBe(401);
  second.send("hello");
  expect(await first.messages(1)).toEqual(["hello"]);
});

test("below a path, all but the two addresses of health needs a password", async () => {
  await using folder = await tempFolder();
  writeFileSync(folder.at("users"), `ann:${await bcryptHash("right")}\n`);
  const words = ["--basepath", "/games", "--metrics", "--auth-basic", folder.at("users"), "cat"];
  await using server = await startServer(["--workers", "0", ...words]);
  const statusOf = async (target: string): Promise<number> => (await ask(server.port, rawRequest(target))).status;
  expect([await statusOf("/health"), await statusOf("/games/health")]).toEqual([200, 200]);
  for (const target of ["/games", "/games/", "/games/metrics", "/games/health/", "/games//health"]) {
    expect([target, await statusOf(target)]).toEqual([target, 401]);
  }
  expect((await server.http("/games/metrics", basic("ann", "right"))).status).toBe(200);
});

test("with --subprotocol, one that carries a token is answered where it is alone, and never handed on", async () => {
  await using folder = await tempFolder();
  writeFileSync(folder.at("key"), signer.text);
  const tellProtocol = sh('echo "[$HTTP_SEC_WEBSOCKET_PROTOCOL]"; cat');
  const words = ["--auth-jwt-key", folder.at("key"), "--subprotocol", "v2,v1", ...tellProtocol];
  await using server = await startServer(words);
  const carrier = `scalesocket.auth.${await token(signer)}`;
  const answered = async (offer: string): Promise<string | undefined> => {
    const answer = await ask(server.port, upgradeRequest("/other", { "Sec-WebSocket-Protocol": offer }));
    expect(answer.status).toBe(101);
    return answer.headers.get("sec-websocket-protocol");
  };
  expect(await answered(carrier)).toBe(carrier);
  expect(await answered(`${carrier}, v1`)).toBe("v1");
  expect(await answered(`v3, ${carrier}`)).toBe(undefined);
  const told = async (room: string, offer: readonly string[]): Promise<string> => {
    const socket = new WebSocket(`ws://127.0.0.1:${server.port}/${room}`, [...offer]);
    const [message] = await once(socket, "message");
    socket.terminate();
    return String(message);
  };
  expect(await told("alone", [carrier])).toBe("[]");
  expect(await told("beside", [carrier, "v2"])).toBe("[v2]");
});

test("who is refused for what they show takes no place of their address", async () => {
  await using folder = await tempFolder();
  writeFileSync(folder.at("key"), signer.text);
  await using server = await startServer(["--auth-jwt-key", folder.at("key"), "--maxperip", "1", "cat"]);
  for (let tries = 0; tries < 3; tries += 1) expect((await refusal(server, "room")).status).toBe(401);
  await using client = await join(server, "room", bearer(await token(signer)));
  expect((await refusal(server, "room", bearer(await token(signer)))).status).toBe(429);
  client.send("hello");
  expect(await client.messages(1)).toEqual(["hello"]);
});
