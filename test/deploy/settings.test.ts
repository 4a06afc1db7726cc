import { expect, test } from "vitest";
import { join, refusal } from "../helpers/client.ts";
import { freePorts } from "../helpers/ports.ts";
import { runToEnd, startServer } from "../helpers/server.ts";
import { settings } from "./settings.ts";

/** What stopping takes beside the times that options name. */
const moreSeconds = 5;

test.each(Object.entries(settings))("%s leaves a server the time to stop", async (_name, read) => {
  const { words, env, graceSeconds } = await read();
  const { code, stdout, stderr } = await runToEnd(["--print-config", ...words], { env });
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  const { drainwait, draintime, killgrace } = JSON.parse(stdout) as Record<string, number>;
  expect(graceSeconds).toBeGreaterThanOrEqual(Number(drainwait) + Number(draintime) + Number(killgrace) + moreSeconds);
});

test.each(Object.entries(settings))(
  "with the options of %s a server starts and tells its health",
  async (_name, read) => {
    const { words, env } = await read();
    const { start: admin } = await freePorts(1);
    await using server = await startServer(["--adminaddr", `127.0.0.1:${admin}`, ...words], { env });
    await using client = await join(server, "room");
    client.send("hello");
    expect(await client.messages(1)).toEqual(["hello"]);
    for (const path of ["/health", "/metrics"]) {
      expect((await fetch(`http://127.0.0.1:${admin}${path}`)).status, path).toBe(200);
      expect((await server.http(path)).status, path).toBe(404);
    }
  },
);

test("the configuration for systemd lets in pages of its own site only, and knows it by its name", async () => {
  const { words } = await settings.systemd();
  const { start: admin } = await freePorts(1);
  await using server = await startServer(["--adminaddr", `127.0.0.1:${admin}`, ...words]);
  await using client = await join(server, "room", {
    headers: { Host: "example.com", Origin: "https://example.com" },
  });
  client.send("hello");
  expect(await client.messages(1)).toEqual(["hello"]);
  for (const headers of [
    { Host: "evil.example", Origin: "https://example.com" },
    { Host: "example.com", Origin: "https://evil.example" },
  ]) {
    expect(await refusal(server, "room", { headers })).toMatchObject({ status: 403 });
  }
});
