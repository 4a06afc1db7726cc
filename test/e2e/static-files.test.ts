import { execFileSync } from "node:child_process";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { chmod, mkdir, rename, rm, symlink, truncate, utimes, writeFile } from "node:fs/promises";
import { Agent, get as httpGet, type IncomingMessage } from "node:http";
import { connect, createServer } from "node:net";
import { dirname } from "node:path";
import { expect, test } from "vitest";
import { ask, type RawAnswer, rawRequest } from "../helpers/raw-http.ts";
import { runToEnd, startServer, type TestServer } from "../helpers/server.ts";
import { type TempFolder, tempFolder } from "../helpers/temp-folder.ts";
import { until } from "../helpers/until.ts";

const notFound = { status: 404, body: "not found\n" };

test("a folder is its index.html, and one without is not found", async () => {
  await using folder = await folderOf({
    "index.html": "top",
    "sub/index.html": "below",
    "sub/deep er/index.html": "deeper",
    "bare/file.txt": "file",
    "odd/index.html/file.txt": "a folder of that name",
  });
  await using server = await startServer(["cat", "--staticdir", folder.path]);

  expect(await get(server, "/")).toMatchObject({ status: 200, body: "top" });
  expect(await get(server, "/?query")).toMatchObject({ status: 200, body: "top" });
  expect(await get(server, "/sub/")).toMatchObject({ status: 200, body: "below" });
  expect(await get(server, "/sub/deep%20er/")).toMatchObject({ status: 200, body: "deeper" });
  expect((await get(server, "/sub/")).headers.get("content-type")).toBe("text/html; charset=utf-8");
  expect(await get(server, "/bare/")).toMatchObject(notFound);
  expect(await get(server, "/odd/")).toMatchObject(notFound);
});

test("a folder without its slash is a redirect to the path with it, and a file with a slash is not found", async () => {
  await using folder = await folderOf({
    "sub/index.html": "below",
    "é b/index.html": "accent",
    "bare/file.txt": "file",
  });
  await using server = await startServer(["cat", "--staticdir", folder.path]);
  const locationOf = async (target: string): Promise<string | undefined> => {
    const answer = await get(server, target);
    expect([target, answer.status]).toEqual([target, 301]);
    return answer.headers.get("location");
  };

  expect(await locationOf("/sub")).toBe("/sub/");
  expect(await locationOf("/bare")).toBe("/bare/");
  expect(await locationOf("/sub?a=1&b=//c?d")).toBe("/sub/?a=1&b=//c?d");
  expect(await locationOf("/%C3%A9%20b")).toBe("/%C3%A9%20b/");
  expect(await get(server, "/bare/file.txt/")).toMatchObject(notFound);
});

test("no redirect leads to another host", async () => {
  await using folder = await folderOf({ "evil.example/index.html": "ours", "evil.example/sub/index.html": "ours" });
  await using server = await startServer(["cat", "--staticdir", folder.path]);
  const targets = [
    "//evil.example",
    "///evil.example",
    "//evil.example/sub",
    "/%2fevil.example",
    "/%2f/evil.example",
    "//evil.example/..",
    "//evil.example/%2e%2e",
    "//evil.example/%2e%2e/sub",
    "/\\evil.example",
    "/%5Cevil.example",
    "/%5C/evil.example/..",
    "/%09/evil.example",
  ];
  const answers = await Promise.all(targets.map((target) => get(server, target)));

  const locations = answers.map(({ headers }) => headers.get("location"));
  expect(locations.filter((location) => location !== undefined)).toHaveLength(5);
  for (const location of locations) expect(new URL(location ?? "/", "http://ours.example").host).toBe("ours.example");
  expect(locations[0]).toBe("/evil.example/");
  expect(answers.filter(({ status }) => status !== 301).every(({ status }) => status === 404)).toBe(true);
});

test("files have the types of their names", async () => {
  const types = {
    "page.html": "text/html; charset=utf-8",
    "style.css": "text/css; charset=utf-8",
    "script.js": "text/javascript; charset=utf-8",
    "module.mjs": "text/javascript; charset=utf-8",
    "data.json": "application/json; charset=utf-8",
    "picture.svg": "image/svg+xml",
    "picture.png": "image/png",
    "code.wasm": "application/wasm",
    "notes.txt": "text/plain; charset=utf-8",
    "UPPER.HTML": "text/html; charset=utf-8",
    unknown: "application/octet-stream",
  };
  await using folder = await folderOf(Object.fromEntries(Object.keys(types).map((name) => [name, "content"])));
  await using server = await startServer(["cat", "--staticdir", folder.path]);

  const answers = await Promise.all(Object.keys(types).map((name) => get(server, `/${name}`)));
  expect(answers.map(({ headers }) => headers.get("content-type"))).toEqual(Object.values(types));
  for (const { status, headers } of answers) {
    expect(status).toBe(200);
    expect(headers.get("x-content-type-options")).toBe("nosniff");
  }
});

test("names are decoded once, whatever characters they have", async () => {
  const names = ["two words", "é", "100%", "%41", "a#b", "a?b", "a&b=c", "x..", "~", "'\"", "line\nbreak", "😀"];
  await using folder = await folderOf(Object.fromEntries(names.map((name) => [`folder/${name}`, `this is ${name}`])));
  await using server = await startServer(["cat", "--staticdir", folder.path]);

  const answers = await Promise.all(names.map((name) => get(server, `/folder/${encodeURIComponent(name)}`)));
  expect(answers.map(({ body }) => Buffer.from(body, "latin1").toString())).toEqual(
    names.map((name) => `this is ${name}`),
  );
  expect(await get(server, "/folder%2f%25%34%31")).toMatchObject({ status: 200, body: "this is %41" });
  expect(await get(server, "/folder/%41")).toMatchObject(notFound);
});

test("names that no room can have are served as files", async () => {
  const names = ["api", "static", "upload", "robots.txt", "favicon.ico"];
  await using folder = await folderOf({
    ...Object.fromEntries(names.map((name) => [name, name])),
    metrics: "mine",
    health: "mine",
  });
  await using server = await startServer(["cat", "--staticdir", folder.path]);

  const answers = await Promise.all(names.map((name) => get(server, `/${name}`)));
  expect(answers.map(({ status, body }) => [status, body])).toEqual(names.map((name) => [200, name]));
  expect((await get(server, "/metrics")).status).toBe(404);
  expect(await get(server, "/health")).toMatchObject({ body: '{"status":"ok"}' });
});

test("a file that the client has already is not sent again", async () => {
  await using folder = await folderOf({ "a.txt": "first" });
  await using server = await startServer(["cat", "--staticdir", folder.path]);
  const first = await get(server, "/a.txt");
  const etag = first.headers.get("etag") ?? "";
  const date = first.headers.get("last-modified") ?? "";

  expect(first.headers.get("cache-control")).toBe("no-cache");
  expect(etag).toMatch(/^(W\/)?"[^"]+"$/);
  expect(Date.parse(date)).toBeGreaterThan(0);
  const known = [{ "If-None-Match": etag }, { "If-None-Match": `"x", ${etag}` }, { "If-Modified-Since": date }];
  for (const answer of await Promise.all(known.map((headers) => get(server, "/a.txt", headers)))) {
    expect(answer).toMatchObject({ status: 304, body: "" });
    expect(answer.headers.get("etag")).toBe(etag);
    expect(answer.headers.has("content-length")).toBe(false);
  }
  expect(await get(server, "/a.txt", { "If-None-Match": '"other"' })).toMatchObject({ status: 200, body: "first" });
  await writeFile(folder.at("a.txt"), "second version");
  expect(await get(server, "/a.txt", { "If-None-Match": etag })).toMatchObject({ status: 200, body: "second version" });
});

test("a file that was replaced is sent again, though its length and its time are the same, as package managers leave them", async () => {
  await using folder = await folderOf({ "index.html": "app-1" });
  await utimes(folder.at("index.html"), 1, 1);
  await using server = await startServer(["cat", "--staticdir", folder.path]);
  const etag = (await get(server, "/")).headers.get("etag") ?? "";
  const again = async (): Promise<number> => (await get(server, "/", { "If-None-Match": etag })).status;
  expect(await again()).toBe(304);
  await until(async () => {
    await writeFile(folder.at("index.html"), "app-2");
    await utimes(folder.at("index.html"), 1, 1);
    return (await again()) === 200;
  }, "the new file, once the clock of the file system has gone on");
});

test("a range is answered with these bytes and where they stand", async () => {
  const digits = "0123456789";
  await using folder = await folderOf({ "digits.txt": digits });
  await using server = await startServer(["cat", "--staticdir", folder.path]);

  const cases = [
    ["bytes=0-3", 206, "0123", "bytes 0-3/10"],
    ["bytes=9-9", 206, "9", "bytes 9-9/10"],
    ["bytes=-5", 206, "56789", "bytes 5-9/10"],
    ["bytes=-10", 206, digits, "bytes 0-9/10"],
    ["bytes=-50", 206, digits, "bytes 0-9/10"],
    ["bytes=7-", 206, "789", "bytes 7-9/10"],
    ["bytes=8-100", 206, "89", "bytes 8-9/10"],
    ["bytes=10-", 416, "range not satisfiable\n", "bytes */10"],
    ["bytes=10-20", 416, "range not satisfiable\n", "bytes */10"],
    ["bytes=-0", 416, "range not satisfiable\n", "bytes */10"],
    ["lines=1-2", 200, digits, undefined],
  ] as const;
  const answers = await Promise.all(cases.map(([range]) => get(server, "/digits.txt", { Range: range })));

  const seen = answers.map(({ status, headers, body }, at) => [
    cases[at]?.[0],
    status,
    body,
    headers.get("content-range"),
  ]);
  expect(seen).toEqual(cases);
  for (const { headers, body } of answers) expect(headers.get("content-length")).toBe(String(body.length));
});

test("where a file cannot be sent as it was asked for, the answer describes itself and not the file", async () => {
  await using folder = await folderOf({ "page.html": "0123456789" });
  await using server = await startServer(["cat", "--staticdir", folder.path]);
  const asked = [
    { Range: "bytes=10-" },
    { "If-Match": '"other"' },
    { "If-Unmodified-Since": new Date(0).toUTCString() },
  ];
  const answers = await Promise.all(asked.map((headers) => get(server, "/page.html", headers)));

  expect(answers.map(({ status, body }) => [status, body])).toEqual([
    [416, "range not satisfiable\n"],
    [412, "precondition failed\n"],
    [412, "precondition failed\n"],
  ]);
  for (const { headers } of answers) {
    expect(headers.get("content-type")).toBe("text/plain; charset=utf-8");
    for (const name of ["etag", "last-modified"]) expect(headers.has(name)).toBe(false);
  }
});

test("a file that cannot be opened is an error of its own length, behind which the connection goes on", async () => {
  await using folder = await folderOf({ "page.html": "0123456789".repeat(10) });
  await using server = await startServer(["cat", "--workers", "0", "--staticdir", folder.path]);
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const askAgain = async (headers: Readonly<Record<string, string>>): Promise<[IncomingMessage, string]> => {
    const request = httpGet({ host: "127.0.0.1", port: server.port, path: "/page.html", agent, headers });
    const [answer] = (await once(request, "response")) as [IncomingMessage];
    return [answer, Buffer.concat(await answer.toArray()).toString()];
  };
  const [{ socket }] = await askAgain({});

  limitDescriptors(server, 3);
  for (const asked of [{}, { Range: "bytes=0-9" }]) {
    const [answer, body] = await askAgain(asked);
    expect([answer.statusCode, body]).toEqual([500, "internal server error\n"]);
    expect(answer.headers).toMatchObject({ "content-type": "text/plain; charset=utf-8", "content-length": "22" });
    for (const name of ["content-range", "etag", "last-modified"]) expect(answer.headers).not.toHaveProperty(name);
  }
  limitDescriptors(server, 1000);
  const [answer, body] = await askAgain({ Range: "bytes=0-9" });
  expect([answer.statusCode, body, answer.headers["content-range"]]).toEqual([206, "0123456789", "bytes 0-9/100"]);
  expect(answer.socket).toBe(socket);
  agent.destroy();
});

test("a file that the server may not read is not found, and nothing else is told of it", async () => {
  await using folder = await folderOf({ "open.txt": "open", "closed.txt": "closed" });
  await chmod(folder.path, 0o755);
  await chmod(folder.at("closed.txt"), 0);
  // Root may read everything, so that a server of root becomes somebody else.
  const script = 'process.on("SIGWINCH",()=>process.getuid()===0&&process.setuid(65534))';
  const env = { NODE_OPTIONS: `--import data:text/javascript,${encodeURIComponent(script)}` };
  await using server = await startServer(["cat", "--workers", "0", "--staticdir", folder.path], { env });
  server.child.kill("SIGWINCH");
  await until(() => !/^Uid:\t0\t/m.test(readFileSync(`/proc/${server.pid}/status`, "latin1")), "another user");

  expect(await get(server, "/open.txt")).toMatchObject({ status: 200, body: "open" });
  expect(await get(server, "/closed.txt")).toMatchObject(notFound);
  expect(await get(server, "/closed.txt", { "If-Modified-Since": new Date().toUTCString() })).toMatchObject(notFound);
  expect((await ask(server.port, rawRequest("/closed.txt", {}, "HEAD"))).status).toBe(404);
});

test("a range counts only for the version of the file that it was asked for", async () => {
  await using folder = await folderOf({ "digits.txt": "0123456789" });
  await using server = await startServer(["cat", "--staticdir", folder.path]);
  const { headers } = await get(server, "/digits.txt");
  const date = headers.get("last-modified") ?? "";
  const range = { Range: "bytes=0-3" };

  expect(headers.get("accept-ranges")).toBe("bytes");
  expect((await get(server, "/digits.txt", { ...range, "If-Range": date })).status).toBe(206);
  expect((await get(server, "/digits.txt", { ...range, "If-Range": '"other"' })).status).toBe(200);
});

test("HEAD tells of a file without sending it, and other methods are refused", async () => {
  await using folder = await folderOf({ "digits.txt": "0123456789" });
  await using server = await startServer(["cat", "--staticdir", folder.path]);
  const head = await ask(server.port, rawRequest("/digits.txt", {}, "HEAD"));

  expect(head).toMatchObject({ status: 200, body: "" });
  expect(head.headers.get("content-length")).toBe("10");
  expect(head.headers.get("content-type")).toBe("text/plain; charset=utf-8");
  expect(head.headers.get("etag")).toBe((await get(server, "/digits.txt")).headers.get("etag"));
  expect((await ask(server.port, rawRequest("/digits.txt", {}, "POST"))).status).toBe(405);
  expect((await ask(server.port, rawRequest("/digits.txt", {}, "DELETE"))).status).toBe(405);
});

test("files that are new, changed or gone are seen at once", async () => {
  await using folder = await folderOf({ "changing.txt": "first", "leaving.txt": "here" });
  await using server = await startServer(["cat", "--staticdir", folder.path]);
  expect(await get(server, "/changing.txt")).toMatchObject({ status: 200, body: "first" });
  expect(await get(server, "/leaving.txt")).toMatchObject({ status: 200, body: "here" });
  expect(await get(server, "/new/file.txt")).toMatchObject(notFound);

  await writeFile(folder.at("changing.txt"), "second and longer");
  await utimes(folder.at("changing.txt"), 1, 1);
  await rm(folder.at("leaving.txt"));
  await put(folder, "new/file.txt", "new");
  expect(await get(server, "/changing.txt")).toMatchObject({ status: 200, body: "second and longer" });
  expect(await get(server, "/leaving.txt")).toMatchObject(notFound);
  expect(await get(server, "/new/file.txt")).toMatchObject({ status: 200, body: "new" });

  await rename(folder.at("new"), folder.at("newer"));
  expect(await get(server, "/new/file.txt")).toMatchObject(notFound);
  expect(await get(server, "/newer/file.txt")).toMatchObject({ status: 200, body: "new" });
});

test("a file that shrinks while it is sent ends the connection, so that nothing else is taken for its rest", async () => {
  const megabyte = 1024 * 1024;
  await using folder = await folderOf({ "large.bin": "x".repeat(32 * megabyte), "small.txt": "small" });
  await using server = await startServer(["cat", "--staticdir", folder.path]);
  const socket = connect(server.port, "127.0.0.1");
  socket.write("GET /large.bin HTTP/1.1\r\nHost: localhost\r\n\r\nGET /small.txt HTTP/1.1\r\nHost: localhost\r\n\r\n");
  await once(socket, "readable");
  await truncate(folder.at("large.bin"), megabyte);
  const received = Buffer.concat(await socket.toArray()).toString("latin1");

  expect(received.length).toBeLessThan(32 * megabyte);
  expect(received.includes("small")).toBe(false);
});

test("nothing outside of the folder is served, however its path is spelled", async () => {
  await using folder = await folderOf({
    "public/index.html": "public",
    "public/sub/index.html": "public",
    "public-too/secret.txt": "secret",
    "secret.txt": "secret",
  });
  await using server = await startServer(["cat", "--staticdir", folder.at("public")]);
  const up = [
    "..",
    "%2e%2e",
    "%2E%2e",
    ".%2e",
    "%2e.",
    "..%00",
    "..;",
    "%252e%252e",
    "..%c0%ae",
    "%c0%ae%c0%ae",
    "．．",
  ];
  const separators = ["/", "%2f", "%2F", "\\", "%5c", "%5C", "%252f", "%c0%af", "//", "/./"];
  const paths = up.flatMap((parent) =>
    separators.flatMap((separator) => [
      `/${parent}${separator}secret.txt`,
      `/sub/${parent}${separator}${parent}${separator}secret.txt`,
      `/${parent}${separator}public${separator}index.html`,
      `${separator}${parent}${separator}secret.txt`,
    ]),
  );
  const targets = [
    ...paths,
    ...paths
      .filter((path) => path.startsWith("/..") || path.startsWith("/%2e"))
      .map((path) => `http://localhost${path}`),
    folder.at("secret.txt"),
    `/${folder.at("secret.txt")}`,
    encodeURIComponent(folder.at("secret.txt")),
    "/../public-too/secret.txt",
    "/..public-too/secret.txt",
    "/%2e%2e%2fpublic-too%2fsecret.txt",
    "/proc/self/environ",
  ];
  const answers = await Promise.all(targets.map((target) => get(server, Buffer.from(target).toString("latin1"))));

  for (const [at, { status, body }] of answers.entries()) {
    expect([targets[at], status]).toEqual([targets[at], status === 400 ? 400 : 404]);
    expect([targets[at], body]).not.toEqual([targets[at], expect.stringMatching(/secret|public/)]);
  }
  expect(await get(server, "/index.html")).toMatchObject({ status: 200, body: "public" });
});

test("a backslash is never a way, and a NUL is refused", async () => {
  await using folder = await folderOf({ "a\\b.txt": "odd", "sub/index.html": "sub" });
  await using server = await startServer(["cat", "--staticdir", folder.path]);

  const odd = ["/a\\b.txt", "/a%5cb.txt", "/sub\\index.html", "/sub%5cindex.html"];
  expect(await answersTo(server, odd)).toEqual(all(odd, "404 not found\n"));
  expect((await get(server, "\\sub/")).status).toBe(400);
  const cut = ["/sub/index.html%00", "/sub/index.html%00.txt", "/%00", "/sub%00/"];
  expect(await answersTo(server, cut)).toEqual(all(cut, "400 path must not hold a NUL\n"));
});

test("symbolic links are followed inside of the folder and lead nowhere outside of it", async () => {
  await using folder = await folderOf({
    "public/real/index.html": "inside",
    "public/linked/file.txt": "a folder whose index leads out",
    "public-too/secret.txt": "secret",
    "secret.txt": "secret",
  });
  const links = {
    inside: "real/index.html",
    "inside-folder": "real",
    outside: "../secret.txt",
    "outside-absolute": folder.at("secret.txt"),
    "outside-folder": "../public-too",
    parent: "..",
    "out-and-in": "../public/real/index.html",
    "linked/index.html": "../../secret.txt",
    twice: "outside",
    dangling: "nowhere",
    loop: "loop",
  };
  await Promise.all(Object.entries(links).map(([name, goal]) => symlink(goal, folder.at(`public/${name}`))));
  await symlink("public", folder.at("link-to-public"));
  await using server = await startServer(["cat", "--staticdir", folder.at("link-to-public")]);

  const inside = ["/inside", "/inside-folder/", "/inside-folder/index.html", "/out-and-in", "/real/"];
  expect(await answersTo(server, inside)).toEqual(all(inside, "200 inside"));
  expect((await get(server, "/inside-folder")).headers.get("location")).toBe("/inside-folder/");
  const outside = [
    "/outside",
    "/outside-absolute",
    "/outside-folder",
    "/outside-folder/",
    "/outside-folder/secret.txt",
    "/parent/",
    "/parent/secret.txt",
    "/parent/public/real/index.html/",
    "/linked/",
    "/linked/index.html",
    "/twice",
    "/dangling",
    "/loop",
  ];
  expect(await answersTo(server, outside)).toEqual(all(outside, "404 not found\n"));
});

test("hidden files are not served", async () => {
  await using folder = await folderOf({
    ".env": "hidden",
    ".git/config": "hidden",
    ".index.html/index.html": "hidden",
    "sub/.hidden": "hidden",
    "sub/.folder/file.txt": "hidden",
    "..odd": "hidden",
    "sub/not.hidden": "shown",
  });
  await using server = await startServer(["cat", "--staticdir", folder.path]);

  const hidden = [
    "/.env",
    "/%2eenv",
    "/%2Eenv",
    "//.env",
    "/%2f.env",
    "/.git/config",
    "/.git",
    "/.git/",
    "/.index.html/",
    "/sub/.hidden",
    "/sub%2f.hidden",
    "/sub/.folder/file.txt",
    "/..odd",
  ];
  expect(await answersTo(server, hidden)).toEqual(all(hidden, "404 not found\n"));
  expect(await get(server, "/sub/not.hidden")).toMatchObject({ status: 200, body: "shown" });
});

test("what is neither a file nor a folder is not found", async () => {
  await using folder = await tempFolder();
  await using socket = createServer().listen(folder.at("socket"));
  await once(socket, "listening");
  await using server = await startServer(["cat", "--staticdir", folder.path]);

  expect(await get(server, "/socket")).toMatchObject(notFound);
});

test("the folder may be given relative to where the server is started", async () => {
  await using folder = await folderOf({ "public/a.txt": "here" });
  await using server = await startServer(["cat", "--staticdir", "./public/"], { cwd: folder.path });

  expect(await get(server, "/a.txt")).toMatchObject({ status: 200, body: "here" });
});

test("a folder that does not exist, or is none, is a usage error", async () => {
  await using folder = await folderOf({ file: "no folder" });
  const paths = [folder.at("missing"), folder.at("file"), folder.at("file/below"), ""];
  const results = await Promise.all(
    paths.map((path) => runToEnd(["cat", "--addr", "127.0.0.1:0", "--staticdir", path])),
  );

  expect(results).toEqual(
    paths.map((path) => ({
      code: 2,
      stdout: "",
      stderr: `scalesocket: --staticdir: expected a folder, got ${JSON.stringify(path)}\nTry scalesocket --help.\n`,
    })),
  );
});

async function get(
  server: TestServer,
  target: string,
  headers: Readonly<Record<string, string>> = {},
): Promise<RawAnswer> {
  return ask(server.port, Buffer.from(rawRequest(target, headers), "latin1"));
}

/** Leaves the server only descriptors below the number. */
function limitDescriptors(server: TestServer, below: number): void {
  execFileSync("prlimit", ["--pid", String(server.pid), `--nofile=${below}:`]);
}

/** Status and body by target. */
async function answersTo(server: TestServer, targets: readonly string[]): Promise<Record<string, string>> {
  const answers = await Promise.all(targets.map((target) => get(server, target)));
  return Object.fromEntries(answers.map(({ status, body }, at) => [targets[at], `${status} ${body}`]));
}

function all(targets: readonly string[], answer: string): Record<string, string> {
  return Object.fromEntries(targets.map((target) => [target, answer]));
}

async function folderOf(files: Readonly<Record<string, string>>): Promise<TempFolder> {
  const folder = await tempFolder();
  await Promise.all(Object.entries(files).map(([name, content]) => put(folder, name, content)));
  return folder;
}

async function put(folder: TempFolder, name: string, content: string): Promise<void> {
  await mkdir(dirname(folder.at(name)), { recursive: true });
  await writeFile(folder.at(name), content);
}
