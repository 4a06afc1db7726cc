import { mkdir, writeFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { join, refusal } from "../helpers/client.ts";
import { sh } from "../helpers/programs.ts";
import { ask, rawRequest } from "../helpers/raw-http.ts";
import { upgradeRequest } from "../helpers/raw-socket.ts";
import { runToEnd, startServer } from "../helpers/server.ts";
import { tempFolder } from "../helpers/temp-folder.ts";

const variables = sh('echo "$SCRIPT_NAME|$PATH_INFO|$REQUEST_URI|$ROOM"; cat');

test.each(["0", "2"])("rooms are below the path, and their processes are told so (workers: %s)", async (workers) => {
  await using server = await startServer(["--workers", workers, "--basepath", "/games/", ...variables]);
  await using client = await join(server, "games/lobby/deeper?a=1");

  expect(await client.messages(1)).toEqual(["/games/lobby|/deeper|/games/lobby/deeper?a=1|lobby"]);
  expect(server.log()).toMatch(/connect a websocket to ws:\/\/127\.0\.0\.1:\d+\/games\/<room>/);
});

test("a path written with percent signs is the same path", async () => {
  await using server = await startServer(["--basepath", "/a/b", ...variables]);
  const answer = await ask(server.port, upgradeRequest("/%61/b/lobby"));
  expect(answer.status).toBe(101);
});

test("what is outside is a 404, as a page and as a websocket", async () => {
  await using server = await startServer(["--basepath=/games", "--metrics", "--api", "--stats", "cat"]);
  const message = "not found: all that is here is below /games/\n";

  for (const path of ["lobby", "game/lobby", "gamesx/lobby", ""]) {
    expect(await refusal(server, path)).toMatchObject({ status: 404, body: message });
  }
  for (const path of ["/", "/metrics", "/api/rooms/", "/lobby/stats", "/games%2Fmetrics"]) {
    expect(await ask(server.port, rawRequest(path))).toMatchObject({ status: 404, body: message });
  }
  expect((await ask(server.port, rawRequest("/games/../metrics"))).status).toBe(404);
  expect((await server.http("/games/metrics")).status).toBe(200);
  expect(await (await server.http("/games/api/rooms/")).text()).toBe("[]");
  expect(await (await server.http("/games/api/")).text()).toContain("try api/rooms/, api/<room>/ or");
  expect(await (await server.http("/games/lobby/stats")).text()).toBe("room is not open\n");
  expect(await (await server.http("/games/")).text()).toMatch(/ws:\/\/127\.0\.0\.1:\d+\/games\/<room>/);
});

test("the path itself is no room", async () => {
  await using server = await startServer(["--basepath=/games", "cat"]);
  expect((await refusal(server, "games")).status).toBe(400);
  expect(await refusal(server, "games/")).toMatchObject({
    status: 400,
    body: "room name is missing: connect to /games/<room>\n",
  });
  expect((await refusal(server, "games/metrics")).status).toBe(400);
});

test("/health answers below the path and, for who knows only the address, at the root", async () => {
  await using server = await startServer(["--basepath=/games", "cat"]);
  for (const path of ["/games/health", "/health"]) {
    const response = await server.http(path);
    expect([response.status, await response.json()]).toEqual([200, { status: "ok" }]);
  }
  expect((await server.http("/other/health")).status).toBe(404);
});

test("static files are below the path, and the path alone leads there", async () => {
  await using folder = await tempFolder();
  await mkdir(folder.at("sub"));
  await writeFile(folder.at("index.html"), "home");
  await writeFile(folder.at("sub/index.html"), "sub");
  await using server = await startServer(["--basepath=/games", "--staticdir", folder.path, "cat"]);

  expect(await ask(server.port, rawRequest("/games?a=1"))).toMatchObject({ status: 301 });
  expect((await ask(server.port, rawRequest("/games?a=1"))).headers.get("location")).toBe("/games/?a=1");
  expect(await (await server.http("/games")).text()).toBe("home");
  expect((await ask(server.port, rawRequest("/games/sub"))).headers.get("location")).toBe("/games/sub/");
  expect(await (await server.http("/games/sub/")).text()).toBe("sub");
  expect((await server.http("/index.html")).status).toBe(404);
  expect((await server.http("/games/games/index.html")).status).toBe(404);
  expect(server.log()).toMatch(/open http:\/\/127\.0\.0\.1:\d+\/games\/ in a browser/);
});

test("a path that is none is a usage error", async () => {
  const { code, stderr } = await runToEnd(["--basepath", "games", "cat"]);
  expect(code).toBe(2);
  expect(stderr).toContain("--basepath: expected a path such as / or /games");
  expect(stderr).toContain('got "games"');
});
