import { readFileSync, writeFileSync } from "node:fs";
import type { IncomingMessage, ServerResponse } from "node:http";
import { describe, expect, test } from "vitest";
import { makeCertificate } from "../helpers/certificates.ts";
import { type Door, join, type JoinOptions, refusal } from "../helpers/client.ts";
import { operatorsOf } from "../helpers/operators.ts";
import { basic, bcryptHash } from "../helpers/passwords.ts";
import { sh } from "../helpers/programs.ts";
import { runToEnd, startServer, type TestServer } from "../helpers/server.ts";
import { tempFolder } from "../helpers/temp-folder.ts";
import { bearer, createSigner, secretSigner, token } from "../helpers/tokens.ts";
import { until } from "../helpers/until.ts";
import { bodyOf, webServer } from "../helpers/web-server.ts";
import { wholeLog } from "../helpers/whole-log.ts";

const password = "correct-horse-battery";
const wrongPassword = "incorrect-horse-battery";
/** A program that tells all it knows, then its pid, and lives on. */
const tellAll = sh('env; echo "pid $$"; exec cat');
const joinMessage = "joined #USER #QUERY_STRING #REQUEST_URI #HTTP_COOKIE #HTTP_SEC_WEBSOCKET_PROTOCOL";

/** What may be seen of a server, in words that name where. */
type Seen = Map<string, string>;

/** Each secret, as it is and in the forms in which it goes over the line, by name. */
type Secrets = Readonly<Record<string, string>>;

function expectNone(seen: Seen, secrets: Secrets): void {
  const found: string[] = [];
  for (const [where, text] of seen) {
    expect(text.length, where).toBeGreaterThan(0);
    for (const [name, secret] of Object.entries(secrets)) {
      expect(secret.length, name).toBeGreaterThan(4);
      if (text.includes(secret)) found.push(`${name} is in the ${where}`);
    }
  }
  expect(found).toEqual([]);
}

/** What the program says of its environment, and what the system does. */
async function environmentOf(door: Door, path: string, options: JoinOptions): Promise<string> {
  await using client = await join(door, path, options);
  const isThere = (): boolean => client.received.some((line) => String(line).startsWith("pid "));
  await until(isThere, () => `the environment, got ${client.received.join("\n")}`);
  const pid = /^pid (\d+)$/m.exec(client.received.join("\n"))?.[1] ?? "";
  const proc = ["environ", "cmdline"].map((name) => readFileSync(`/proc/${pid}/${name}`, "latin1"));
  return [...client.received, ...proc].join("\n");
}

async function statusOf(server: TestServer): Promise<void> {
  server.child.kill("SIGUSR2");
  await until(
    () => server.log().includes("MiB resident"),
    () => `the status, got ${server.log()}`,
  );
}

async function reloadOf(server: TestServer, what: string): Promise<void> {
  server.child.kill("SIGHUP");
  await until(
    () => server.log().includes(what),
    () => `${what}, got ${server.log()}`,
  );
}

/** The part of a private key that nobody else has. */
function keyLine(path: string): string {
  return readFileSync(path, "utf8").split("\n")[1] ?? "";
}

const tellers = ["/metrics", "/api/rooms/", "/room/stats", "/health"];

describe.concurrent("secrets stay where they are", () => {
  test("with TLS, tokens and passwords", async () => {
    await using folder = await tempFolder();
    const { cert, key } = await makeCertificate(folder, "server");
    const signer = createSigner("HS256");
    const hash = await bcryptHash(password);
    writeFileSync(folder.at("secret"), signer.text);
    writeFileSync(folder.at("users"), `ann:${hash}\n`);
    const words = [
      "-vv",
      "--metrics",
      "--api",
      "--stats",
      "--adminaddr=127.0.0.1:0",
      `--tlscert=${cert}`,
      `--tlskey=${key}`,
      `--auth-jwt-key=${folder.at("secret")}`,
      `--auth-basic=${folder.at("users")}`,
      "--auth-param=token",
      "--joinmsg",
      joinMessage,
      "--subprotocol=chat",
    ];
    // What the server has in its own environment, processes do not have.
    const ownSecret = "hush-of-the-environment";
    await using server = await startServer([...words, ...tellAll], { env: { DATABASE_PASSWORD: ownSecret } });
    const operators = operatorsOf(server);
    const door = { port: server.port, log: () => server.log(), origin: `wss://localhost:${server.port}` };
    const trust = { ca: readFileSync(cert) };
    const good = await token(signer, { sub: "ann" });
    const forged = await token(secretSigner("x".repeat(40)), { sub: "ann" });
    const seen: Seen = new Map();

    const shown: [path: string, options: JoinOptions][] = [
      ["header?a=1", bearer(good)],
      ["protocol", { protocols: ["chat", `scalesocket.auth.${good}`] }],
      [`query?a=1&token=${good}`, {}],
      ["basic", basic("ann", password)],
    ];
    for (const [path, options] of shown) {
      seen.set(`environment of ${path.split("?")[0]}`, await environmentOf(door, path, { ...trust, ...options }));
    }
    const refused: [path: string, options: object][] = [
      ["header", bearer(forged)],
      [`query?token=${forged}`, {}],
      ["basic", basic("ann", wrongPassword)],
      ["basic", basic("nobody", wrongPassword)],
    ];
    for (const [index, [path, options]] of refused.entries()) {
      const { status, body, headers } = await refusal(door, path, { ...trust, ...options });
      expect(status).toBe(401);
      seen.set(`refusal ${index}`, `${body}${JSON.stringify(headers)}`);
    }
    for (const path of tellers) {
      const answer = await operators.http(path, basic("ann", password));
      seen.set(`answer of ${path}`, await answer.text());
    }
    await statusOf(server);
    for (const name of ["secret", "users"]) writeFileSync(folder.at(name), `${wrongPassword.slice(0, 20)}:\n`);
    await reloadOf(server, "cannot read again");
    const printed = await runToEnd([...words, "--print-config", ...tellAll]);
    expect(printed.code).toBe(0);
    seen.set("--print-config", printed.stdout);
    seen.set("log", await wholeLog(server));

    expectNone(seen, {
      "the key of the certificate": keyLine(key),
      "the secret of tokens": signer.text,
      "a token": good.split(".")[2] ?? "",
      "the claims of a token": good.split(".")[1] ?? "",
      "a forged token": forged.split(".")[2] ?? "",
      "a password": password,
      "a password as it is sent": Buffer.from(`ann:${password}`).toString("base64"),
      "a wrong password": wrongPassword.slice(0, 20),
      "a wrong password as it is sent": Buffer.from(`ann:${wrongPassword}`).toString("base64"),
      "the hash of a password": hash.slice(7),
      "what the server's own environment has": ownSecret,
    });
  });

  test.each(["0", "2"])("with a web hook (workers: %s)", async (workers) => {
    await using folder = await tempFolder();
    let isBroken = false;
    const bodies: string[] = [];
    const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
      bodies.push(await bodyOf(request));
      response.writeHead(isBroken ? 500 : 200).end(isBroken ? "hush-answer-of-hook" : '{"user":"ann"}');
    };
    await using hook = await webServer((request, response) => void answer(request, response));
    const url = `${hook.url}hush-path-of-hook`;
    const words = [
      "-vv",
      "--metrics",
      "--api",
      "--stats",
      "--workers",
      workers,
      "--auth-url",
      url,
      "--auth-cache",
      "10",
    ];
    await using server = await startServer([...words, "--auth-param", "key", ...tellAll], { cwd: folder.path });
    const headers = { Authorization: "Custom hush-authorization", "Proxy-Authorization": "hush-proxy" };
    const seen: Seen = new Map();
    seen.set("environment", await environmentOf(server, "room?a=1&key=hush-parameter", { headers }));
    const withCookie = { headers: { ...headers, Cookie: "session=hush-cookie" } };
    expect(await environmentOf(server, "cookie", withCookie)).toContain("HTTP_COOKIE=session=hush-cookie");
    isBroken = true;
    const { status, body } = await refusal(server, "other?key=hush-parameter", withCookie);
    expect(status).toBe(503);
    seen.set("refusal", body);
    expect(bodies.join("\n")).toContain("hush-authorization");
    for (const path of tellers) seen.set(`answer of ${path}`, await (await server.http(path)).text());
    await statusOf(server);
    seen.set("log", await wholeLog(server));
    expectNone(seen, {
      "what the client shows": "hush-authorization",
      "what it shows to a proxy": "hush-proxy",
      "the parameter": "hush-parameter",
      "the cookie": "hush-cookie",
      "the path of the hook": "hush-path-of-hook",
      "the answer of the hook": "hush-answer-of-hook",
    });
  });

  test("in errors at the start", async () => {
    await using folder = await tempFolder();
    const { cert, key } = await makeCertificate(folder, "server");
    const other = await makeCertificate(folder, "other");
    writeFileSync(folder.at("short"), "hush-too-short");
    writeFileSync(folder.at("plain"), "ann:hush-plain-password\n");
    writeFileSync(folder.at("private"), readFileSync(key));
    writeFileSync(folder.at("broken"), readFileSync(key, "utf8").replaceAll("PRIVATE KEY", "PRIVATE THING"));
    writeFileSync(folder.at("jwk"), '{"kty":"oct","k":"hush-is-no-base64url!"}');
    const starts: readonly (readonly string[])[] = [
      ["--auth-jwt-key", folder.at("short")],
      ["--auth-jwt-key", folder.at("private")],
      ["--auth-jwt-key", folder.at("jwk")],
      ["--auth-basic", folder.at("plain")],
      ["--tlscert", cert, "--tlskey", folder.at("broken")],
      ["--tlscert", cert, "--tlskey", other.key],
      ["--auth-url", "http://ann:hush-in-the-url@127.0.0.1/"],
      ["--config", folder.at("plain")],
    ];
    const seen: Seen = new Map();
    for (const words of starts) {
      const { code, stdout, stderr } = await runToEnd(["--addr", "127.0.0.1:0", ...words, "cat"]);
      expect(code, words.join(" ")).toBeGreaterThan(0);
      seen.set(`error of ${words.join(" ").replaceAll(/hush\S*/g, "...")}`, stdout + stderr);
    }
    expectNone(seen, {
      "a secret": "hush-",
      "a private key": keyLine(key),
      "another private key": keyLine(other.key),
    });
  });
});
