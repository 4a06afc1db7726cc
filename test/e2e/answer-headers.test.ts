import { writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { expect, test } from "vitest";
import { join, refusal } from "../helpers/client.ts";
import { sh } from "../helpers/programs.ts";
import { ask, rawRequest } from "../helpers/raw-http.ts";
import { exchange, upgradeRequest } from "../helpers/raw-socket.ts";
import { runToEnd, startServer } from "../helpers/server.ts";
import { tempFolder } from "../helpers/temp-folder.ts";
import { until } from "../helpers/until.ts";

test.each(["0", "2"])("--header is on all answers, whoever gives them (workers: %s)", async (workers) => {
  await using folder = await tempFolder();
  await writeFile(folder.at("page.txt"), "page");
  const words = ["--workers", workers, "--header", "X-Site: a, b", "--staticdir", folder.path, "--maxclients=1"];
  await using server = await startServer([...words, "--maxconnections=3", "--metrics", "cat"]);
  await using client = await join(server, "full");
  client.send("in");
  await client.messages(1);

  for (const path of ["/page.txt", "/none", "/health", "/metrics", "/%zz"]) {
    expect((await ask(server.port, rawRequest(path))).headers.get("x-site")).toBe("a, b");
  }
  expect((await ask(server.port, rawRequest("/page.txt", {}, "HEAD"))).headers.get("x-site")).toBe("a, b");
  expect((await ask(server.port, rawRequest("/page.txt", {}, "POST"))).headers.get("x-site")).toBe("a, b");
  expect((await ask(server.port, upgradeRequest("/room"))).headers.get("x-site")).toBe("a, b");
  expect((await ask(server.port, upgradeRequest("/metrics"))).headers.get("x-site")).toBe("a, b");
  // The supervisor cannot know this one: a worker answers it.
  expect(await refusal(server, "full")).toMatchObject({ status: 503, headers: { "x-site": "a, b" } });
});

test("--header comes several times, also under one name", async () => {
  const words = ["--header", "Set-Cookie: a=1", "--header=set-cookie: b=2", "--header", "X-Empty:"];
  await using server = await startServer([...words, "cat"]);

  const page = await exchange(server.port, rawRequest("/health"));
  expect(page).toMatch(/^HTTP\/1\.1 200 /);
  for (const answer of [page, await exchange(server.port, upgradeRequest("/metrics"))]) {
    expect(answer.match(/^set-cookie: .*$/gim)).toEqual(["Set-Cookie: a=1", "Set-Cookie: b=2"].map(expectLine));
    expect(answer).toMatch(/^X-Empty: ?\r$/m);
  }
});

test("--header takes the place of what an answer would say by itself, and once", async () => {
  await using folder = await tempFolder();
  await writeFile(folder.at("page.txt"), "page");
  const words = ["--header=cache-control: max-age=60", "--header=X-Content-Type-Options: other"];
  await using server = await startServer([...words, "--staticdir", folder.path, "cat"]);

  for (const request of [rawRequest("/page.txt"), rawRequest("/health"), upgradeRequest("/metrics")]) {
    const { headers } = await ask(server.port, request);
    expect([headers.get("cache-control"), headers.get("x-content-type-options")]).toEqual(["max-age=60", "other"]);
  }
});

test.each([
  "Content-Length: 5",
  "Connection: close",
  "upgrade: h2c",
  "Sec-WebSocket-Protocol: a",
  "Transfer-Encoding: chunked",
  "X-A: b\r\nX-B: c",
  "X-A: b\nX-B: c",
  "X A: b",
  "no colon",
])("--header %j is refused at the start", async (header) => {
  const { code, stderr } = await runToEnd(["--header", header, "cat"]);
  expect(code).toBe(2);
  expect(stderr).toContain("--header: expected Name: value in printable ASCII");
  expect(stderr).toContain(`got ${JSON.stringify(header)}`);
});

const protocol = sh('echo "${HTTP_SEC_WEBSOCKET_PROTOCOL-none}"; cat');

test.each([
  [["b", "a"], "b"],
  [["x", "a", "b"], "a"],
  [["x", "y"], "none"],
  [["A"], "none"],
  [[], "none"],
])("of %j, --subprotocol a,b chooses %s and tells the process that alone", async (offered, chosen) => {
  await using server = await startServer(["--subprotocol", "a", "--subprotocol=b", ...protocol]);
  const headers = offered.length === 0 ? {} : { "Sec-WebSocket-Protocol": offered.join(", ") };
  const { answer, message } = await firstMessage(server.port, headers);

  expect(answer).toMatch(/^HTTP\/1\.1 101 /);
  expect(/^Sec-WebSocket-Protocol: (.*)\r$/m.exec(answer)?.[1] ?? "none").toBe(chosen);
  expect(message).toBe(chosen);
});

test("without --subprotocol, the first one offered is chosen and the process is told all", async () => {
  await using server = await startServer([...protocol]);
  const { answer, message } = await firstMessage(server.port, { "Sec-WebSocket-Protocol": "x, y" });
  expect(answer).toContain("\r\nSec-WebSocket-Protocol: x\r\n");
  expect(message).toBe("x, y");
});

test("a list of subprotocols that is none is refused, with --subprotocol too", async () => {
  await using server = await startServer(["--subprotocol=a", "cat"]);
  const answer = await ask(server.port, upgradeRequest("/room", { "Sec-WebSocket-Protocol": "a, a" }));
  expect(answer.status).toBe(400);
  const { code, stderr } = await runToEnd(["--subprotocol", "a b", "cat"]);
  expect(code).toBe(2);
  expect(stderr).toContain('--subprotocol: expected names of subprotocols with commas between them, got "a b"');
});

/** A handshake as it is written, since clients end a connection without a subprotocol that they have asked for. */
async function firstMessage(port: number, headers: Readonly<Record<string, string>>) {
  const socket = connect({ host: "127.0.0.1", port });
  let received = "";
  socket.setEncoding("latin1").on("data", (text: string) => {
    received += text;
  });
  socket.write(upgradeRequest("/room", headers));
  const pattern = /^([^]*\r\n\r\n)\x81.([^]+)$/;
  await until(
    () => pattern.test(received),
    () => `a message, got ${received}`,
  );
  socket.destroy();
  const [, answer = "", message = ""] = pattern.exec(received) ?? [];
  return { answer, message };
}

function expectLine(line: string): unknown {
  return expect.stringMatching(new RegExp(`^${line}\r?$`, "i"));
}
