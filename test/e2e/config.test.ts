import { writeFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { join } from "../helpers/client.ts";
import { runToEnd, startServer } from "../helpers/server.ts";
import { tempFolder } from "../helpers/temp-folder.ts";
import { until } from "../helpers/until.ts";

test("a file says what to run and how, and the command line goes before it", async () => {
  await using folder = await tempFolder();
  const file = folder.at("game.toml");
  await writeFile(
    file,
    'command = "sh"\nargs = ["-c", "echo \\"$ROOM $GAME\\"; cat"]\nmetrics = true\npassenv = ["PATH", "GAME"]\naddr = "0.0.0.0:1"\n',
  );
  // The helper's own --addr is what the command line says.
  await using server = await startServer(["--config", file], { env: { GAME: "chess" } });
  await using client = await join(server, "lobby");

  expect(await client.messages(1)).toEqual(["lobby chess"]);
  expect((await server.http("/metrics")).status).toBe(200);
});

test("the environment names the file and goes before it", async () => {
  await using folder = await tempFolder();
  await writeFile(folder.at("game.json"), '{"command": "cat", "metrics": true, "stats": true}');
  const env = { SCALESOCKET_CONFIG: folder.at("game.json"), SCALESOCKET_METRICS: "false" };
  await using server = await startServer([], { env });

  expect((await server.http("/metrics")).status).toBe(404);
  expect(await (await server.http("/lobby/stats")).text()).toBe("room is not open\n");

  server.child.kill("SIGHUP");
  await until(
    () => server.log().includes(`options stay as they are: ${folder.at("game.json")} is read at the start only\n`),
    () => server.log(),
  );
});

test("a file that is wrong is a usage error, and nothing is started", async () => {
  await using folder = await tempFolder();
  const file = folder.at("game.json");
  await writeFile(file, '{"command": "cat",\n "maxmesage": 1}');
  expect(await runToEnd(["--config", file])).toEqual({
    code: 2,
    stdout: "",
    stderr: `scalesocket: ${file}: unknown key "maxmesage" (did you mean maxmessage?)\nTry scalesocket --help.\n`,
  });
  await writeFile(file, '{"command": "cat",\n "maxmessage": 1');
  const { code, stderr } = await runToEnd(["--config", file]);
  expect(code).toBe(2);
  expect(stderr).toContain(`${file}: line 2, column 17: not JSON: expected , or }`);
});

test("what --print-config prints is a file that says the same", async () => {
  await using folder = await tempFolder();
  const first = await runToEnd(["--print-config", "--frame=json", "--delay", "1", "cat", "--", "-u"], {
    env: { SCALESOCKET_MAXMESSAGE: "64K" },
  });
  expect(first).toMatchObject({ code: 0, stderr: "" });
  expect(JSON.parse(first.stdout)).toMatchObject({
    command: "cat",
    args: ["-u"],
    frame: "json",
    "cmd-attach-delay": 1,
    maxmessage: "64K",
  });

  await writeFile(folder.at("printed.json"), first.stdout);
  const second = await runToEnd(["--config", folder.at("printed.json"), "--print-config"]);
  expect(second).toEqual(first);
});
