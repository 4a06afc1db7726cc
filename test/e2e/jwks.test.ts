import { expect, test } from "vitest";
import { join, refusal } from "../helpers/client.ts";
import { sh } from "../helpers/programs.ts";
import { runToEnd, startServer, type TestServer } from "../helpers/server.ts";
import { bearer, createSigner, type Signer, secretSigner, token } from "../helpers/tokens.ts";
import { until } from "../helpers/until.ts";
import { webServer } from "../helpers/web-server.ts";

const claims = { sub: "ann" };
const tellUser = sh('echo "$REMOTE_USER"; cat');

function start(url: string): Promise<TestServer> {
  return startServer(["--workers", "0", "--auth-jwks", url, ...tellUser]);
}

function setOf(...signers: readonly Signer[]): string {
  return JSON.stringify({ keys: signers.map(({ jwk }) => jwk) });
}

async function isTaken(server: TestServer, text: string): Promise<boolean> {
  await using client = await join(server, "room", bearer(text));
  return client.socket.readyState === client.socket.OPEN;
}

async function statusOf(server: TestServer, text: string): Promise<number> {
  return (await refusal(server, "room", bearer(text))).status;
}

test("tokens are checked by the keys of a set at a URL, which is fetched once for many", async () => {
  const signers = ["RS256", "ES256", "EdDSA"].map((name) => createSigner(name, name));
  let fetched = 0;
  await using keys = await webServer((_request, response) => {
    fetched += 1;
    response.end(setOf(...signers));
  });
  await using server = await start(keys.url);
  for (const signer of signers) {
    expect(await isTaken(server, await token(signer, claims, { kid: signer.algorithm }))).toBe(true);
    const stranger = createSigner(signer.algorithm);
    expect(await statusOf(server, await token(stranger, claims, { kid: signer.algorithm }))).toBe(401);
  }
  expect(fetched).toBe(1);
});

test("a key that was added to the set is found, and is looked for only once in a while", async () => {
  const [before, after] = [createSigner("ES256", "before"), createSigner("ES256", "after")];
  let fetched = 0;
  await using keys = await webServer((_request, response) => {
    fetched += 1;
    response.end(setOf(before, ...(fetched > 1 ? [after] : [])));
  });
  await using server = await start(keys.url);
  expect(await isTaken(server, await token(before, claims, { kid: "before" }))).toBe(true);
  // Just now it was looked for: whoever makes up names of keys must not make the server fetch again and again.
  for (const kid of ["after", "x", "y"]) expect(await statusOf(server, await token(after, claims, { kid }))).toBe(401);
  expect(fetched).toBe(1);
});

test("no secret is ever taken from a set at a URL", async () => {
  const secret = secretSigner("a secret that everybody can read at this URL");
  const pair = createSigner("RS256");
  await using keys = await webServer((_request, response) => response.end(setOf(secret, pair)));
  await using server = await start(keys.url);
  expect(await isTaken(server, await token(pair, claims))).toBe(true);
  expect(await statusOf(server, await token(secret, claims))).toBe(401);
  expect(await statusOf(server, await token(secretSigner(pair.text), claims))).toBe(401);
});

const broken = {
  "an error": { status: 500, body: setOf(createSigner("ES256")) },
  "a redirect": { status: 302, body: "" },
  "no JSON": { status: 200, body: "<html>" },
  "no set": { status: 200, body: '{"keys":{}}' },
  "more than there can be": { status: 200, body: `{"keys":[]}${" ".repeat(300_000)}` },
};

test.for(Object.entries(broken))(
  "a server of keys that answers with %s lets nobody in",
  async ([, { status, body }]) => {
    let fetched = 0;
    await using keys = await webServer((_request, response) => {
      fetched += 1;
      response.writeHead(status, { Location: "/elsewhere" }).end(body);
    });
    await using server = await start(`${keys.url}keys?key=hush`);
    await until(
      () => server.log().includes("the set of keys of --auth-jwks is not to be had"),
      "a warning at the start",
    );
    const text = await token(createSigner("ES256"), claims);
    for (let tries = 0; tries < 3; tries += 1) {
      const { status: answered, body: told, headers } = await refusal(server, "room", bearer(text));
      expect([answered, told]).toEqual([503, "cannot check who you are, try again later\n"]);
      expect(headers["retry-after"]).toBe("5");
    }
    // It is left alone for some seconds, and the log does not tell its URL.
    expect(fetched).toBe(1);
    expect(server.log()).not.toContain("hush");
  },
);

test("a server stops though its server of keys says nothing, and does not wait for that or call it a fault", async () => {
  let asked = 0;
  await using keys = await webServer(() => {
    asked += 1;
  });
  await using server = await start(keys.url);
  await until(() => asked === 1, "the question");
  expect(await server.stop()).toBe(0);
  expect(server.log()).not.toContain("not to be had");
});

test("nor does a server that cannot start wait for it", async () => {
  await using keys = await webServer(() => undefined);
  const limits = ["--limit-files", "4294967295"];
  const { code, stderr } = await runToEnd(["--auth-jwks", keys.url, "--auth-audience", "game", ...limits, "cat"]);
  expect(code).toBe(1);
  expect(stderr).toContain("processes cannot be limited");
  expect(stderr).not.toContain("not to be had");
});

test("a set of keys is fetched with https, or with http from this machine only", async () => {
  for (const url of ["http://example.com/keys", "http://127.0.0.1.example.com/", "ftp://localhost/", "keys.json", ""]) {
    const { code, stderr } = await runToEnd(["--auth-jwks", url, "cat"]);
    expect(code).toBe(2);
    expect(stderr).toContain(
      `--auth-jwks: expected an https URL, or an http URL of 127.0.0.1, [::1] or localhost, got "${url}"`,
    );
  }
  const { code, stderr } = await runToEnd(["--auth-jwks", "https://ann:hush@example.com/", "cat"]);
  expect(code).toBe(2);
  expect(stderr).toContain("--auth-jwks must not hold a user or a password before its host");
  expect(stderr).not.toContain("hush");
});
