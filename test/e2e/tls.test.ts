import { execFileSync } from "node:child_process";
import { X509Certificate } from "node:crypto";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { copyFile, mkdir, readFile, rename, symlink, writeFile } from "node:fs/promises";
import { request } from "node:https";
import { connect as connectPlain } from "node:net";
import { connect, type ConnectionOptions, type TLSSocket } from "node:tls";
import { describe, expect, test } from "vitest";
import { type Certificate, makeAuthority, makeCertificate, makeExpired } from "../helpers/certificates.ts";
import { countBytes, type Door, join } from "../helpers/client.ts";
import { metric } from "../helpers/metrics.ts";
import { operatorsOf } from "../helpers/operators.ts";
import { isAlive, peakMemoryMiB, workersOf } from "../helpers/processes.ts";
import { sh } from "../helpers/programs.ts";
import { textFrame } from "../helpers/raw-client.ts";
import { rawRequest } from "../helpers/raw-http.ts";
import { exchange, upgradeRequest } from "../helpers/raw-socket.ts";
import { runToEnd, startServer, type TestServer } from "../helpers/server.ts";
import { settled } from "../helpers/settled.ts";
import { type TempFolder, tempFolder } from "../helpers/temp-folder.ts";
import { until } from "../helpers/until.ts";
import { wholeLog } from "../helpers/whole-log.ts";

const mebibyte = 1024 * 1024;

describe.concurrent("a server with a certificate", () => {
  test("speaks https and wss, and tells the process so", async () => {
    await using secure = await startSecure(sh("echo $HTTPS $TLS_CLIENT_S_DN; cat"));
    expect(secure.log()).toContain(`connect a websocket to wss://127.0.0.1:${secure.port}/<room>`);
    expect(await (await get(secure, "/health")).json()).toEqual({ status: "ok" });
    await using client = await join(secure, "a", secure.trust);
    client.send("hello");
    expect(await client.messages(2)).toEqual(["on", "hello"]);
  });

  test("has its rooms in its own process, and says so where workers were not ruled out", async () => {
    await using folder = await tempFolder();
    const { cert, key } = await makeCertificate(folder, "server");
    await using secure = await startServer(["--tlscert", cert, "--tlskey", key, "cat"]);
    expect(workersOf(secure.pid)).toEqual([]);
    expect(secure.log()).toContain("connections with TLS cannot be handed to workers");
    const words = ["--tlscert", cert, "--tlskey", key, "--workers", "2", "cat"];
    expect(await runToEnd(words)).toMatchObject({
      code: 2,
      stderr: expect.stringContaining("--workers=2 does not go"),
    });
  });

  test("speaks TLS 1.2 and 1.3, HTTP/1.1 only, and nothing without authenticated encryption", async () => {
    await using secure = await startSecure(["cat"]);
    const one = { ciphers: "ALL:@SECLEVEL=0", minVersion: "TLSv1.1", maxVersion: "TLSv1.1" } as const;
    await expect(shake(secure, one)).rejects.toMatchObject({ code: expect.stringContaining("ALERT_PROTOCOL_VERSION") });
    const two = { minVersion: "TLSv1.2", maxVersion: "TLSv1.2" } as const;
    await expect(shake(secure, { ...two, ciphers: "ECDHE-ECDSA-AES128-SHA256:AES256-GCM-SHA384" })).rejects.toThrow(
      /handshake/,
    );
    expect((await shake(secure, two)).protocol).toBe("TLSv1.2");
    expect((await shake(secure, { ALPNProtocols: ["h2", "http/1.1"] })).alpn).toBe("http/1.1");
    expect((await shake(secure, {})).protocol).toBe("TLSv1.3");
    await expect(shake(secure, { ALPNProtocols: ["h2"] })).rejects.toThrow();
  });

  test("tells in its metrics when the certificate is over", async () => {
    await using secure = await startSecure(["--metrics", "--adminaddr", "127.0.0.1:0", "cat"]);
    const endsAt = Date.parse(new X509Certificate(readFileSync(secure.files.cert)).validTo) / 1000;
    const name = "scalesocket_tls_certificate_not_after_timestamp_seconds";
    expect(await metric(operatorsOf(secure.server), name)).toBe(endsAt);
  });

  test("does not do the handshake again for a client that asks for it", async () => {
    await using secure = await startSecure(["cat"]);
    expect(await errorOfRenegotiation(secure)).toMatchObject({ code: "ERR_SSL_NO_RENEGOTIATION" });
  });

  test("closes plain HTTP and noise, and logs neither as its own fault", async () => {
    await using secure = await startSecure(["-v", "cat"]);
    expect(await exchange(secure.port, rawRequest("/health"))).not.toContain("HTTP/1.1 200");
    await exchange(secure.port, "\0".repeat(100));
    const silent = connectPlain(secure.port, "127.0.0.1");
    await once(silent, "connect");
    silent.resetAndDestroy();
    expect((await get(secure, "/health")).status).toBe(200);
    const log = await wholeLog(secure.server);
    expect(log).toContain("TLS handshake with 127.0.0.1 failed: ERR_SSL_HTTP_REQUEST");
    expect(log).not.toMatch(/ (?:error|warn) |^ +at /m);
  });

  test("does not wait for ever for a handshake, and tells nobody but who looks closely", async () => {
    await using secure = await startSecure(["-v", "cat"]);
    const silent = connectPlain(secure.port, "127.0.0.1");
    silent.on("error", () => undefined);
    await once(silent, "close");
    await until(() => secure.log().includes("failed: ERR_TLS_HANDSHAKE_TIMEOUT"), "the log to say so");
    expect(secure.log()).not.toMatch(/ (?:error|warn) /);
  });

  test("stops though a handshake is under way, without waiting for its end", async () => {
    await using secure = await startSecure(["-v", "cat"]);
    const silent = connectPlain(secure.port, "127.0.0.1");
    await once(silent, "connect");
    silent.on("error", () => undefined);
    const closed = once(silent, "close");
    expect(await wholeLog(secure.server)).not.toContain("ERR_TLS_HANDSHAKE_TIMEOUT");
    expect(await secure.server.exited()).toBe(0);
    await closed;
  });

  test("refuses what it cannot use, and says what and why", async () => {
    await using folder = await tempFolder();
    const one = await makeCertificate(folder, "one");
    const two = await makeCertificate(folder, "two");
    await writeFile(folder.at("noise"), "noise");
    const noise = folder.at("noise");
    const missing = folder.at("missing");
    const cases = [
      [missing, one.key, `--tlscert: expected a file that can be read, got "${missing}" (ENOENT)`],
      [one.cert, missing, `--tlskey: expected a file that can be read, got "${missing}" (ENOENT)`],
      [noise, one.key, `--tlscert: expected a certificate in PEM, got something else in "${noise}"`],
      [
        one.cert,
        noise,
        `--tlskey: expected a private key in PEM without a passphrase, got something else in "${noise}"`,
      ],
      [
        one.cert,
        two.key,
        `--tlskey: expected the key of the certificate in "${one.cert}", got another one in "${two.key}"`,
      ],
    ] as const;
    for (const [cert, key, message] of cases) {
      const stderr = `scalesocket: ${message}\nTry scalesocket --help.\n`;
      expect(await runToEnd(["--tlscert", cert, "--tlskey", key, "cat"])).toEqual({ code: 2, stdout: "", stderr });
    }
    const words = ["--tlscert", one.cert, "--tlskey", one.key, "--tlsca", noise, "cat"];
    expect((await runToEnd(words)).stderr).toContain(`--tlsca: expected a certificate in PEM, got something else`);
    const unix = ["--tlscert", one.cert, "--tlskey", one.key, "--unixsocket", folder.at("s"), "cat"];
    expect((await runToEnd(unix)).stderr).toContain("is for TCP: give an --addr, too");
  });
});

describe.concurrent("flow control with TLS", () => {
  test("a client that does not read makes the process wait, in little memory, and gets all when it wakes", async () => {
    const bytes = 300 * mebibyte;
    const parts = 10;
    const script = `echo $$; read -r _; head -c ${bytes} /dev/zero; sleep 100`;
    const admin = ["--metrics", "--adminaddr", "127.0.0.1:0"];
    await using secure = await startSecure(["-v", "--slowtimeout", "3600", ...admin, "--binary", ...sh(script)]);
    await using slow = await join(secure, "a", secure.trust);
    const pid = Number((await slow.messages(1))[0]);
    await using fast = await join(secure, "a", secure.trust);
    const totals = [countBytes(slow), countBytes(fast)] as const;
    slow.socket.pause();
    fast.send("go\n");
    await until(() => secure.log().includes("client is behind"), "the client to fall behind");
    await settled(() => totals[1].bytes);
    expect(totals[1].bytes).toBeLessThan(bytes / 2);
    expect(isAlive(pid)).toBe(true);
    slow.socket.resume();
    // To decrypt it all may take this machine longer than anything is waited for.
    for (let part = 1; part <= parts; part += 1) {
      await until(
        () => totals.every((total) => total.bytes >= (bytes * part) / parts),
        () => `${bytes} bytes, got ${totals.map((total) => total.bytes).join(" ")}`,
      );
    }
    expect(totals.map((total) => total.bytes)).toEqual([bytes, bytes]);
    const operators = operatorsOf(secure.server);
    expect(await metric(operators, "scalesocket_output_pauses_total")).toBeGreaterThan(0);
    expect(await metric(operators, "scalesocket_slow_clients_closed_total")).toBe(0);
    expect(peakMemoryMiB(secure.server.pid)).toBeLessThan(200);
  }, 120_000);

  test("a client that takes nothing is closed with 4008, and the others get everything", async () => {
    const words = ["-v", "--clientbuffer", "64K", "--slowtimeout", "3"];
    await using secure = await startSecure([...words, ...sh("read -r _; seq -f %0999.0f 40000; cat")]);
    await using slow = await join(secure, "a", secure.trust);
    await using fast = await join(secure, "a", secure.trust);
    slow.socket.pause();
    fast.send("go");
    await until(() => secure.log().includes("client left"), "the client to be closed");
    slow.socket.resume();
    expect(await slow.closed).toEqual({ code: 4008, reason: "client does not take what it is sent" });
    expect((await fast.messages(40_000)).findIndex((line, index) => Number(line) !== index + 1)).toBe(-1);
    expect(slow.received.length).toBeLessThan(40_000);
  });

  test("a client that takes a large message slowly is not taken for one that takes nothing", async () => {
    const bytes = 24 * mebibyte;
    const words = ["-v", "--clientbuffer", "64K", "--slowtimeout", "1"];
    const script = `read -r _; head -c ${bytes} /dev/zero | tr '\\0' x; echo; cat`;
    await using secure = await startSecure([...words, ...sh(script)]);
    await using client = await join(secure, "a", secure.trust);
    const { _socket: socket } = client.socket as unknown as { _socket: TLSSocket };
    client.send("go");
    // A little of it each time that less than the time-out has passed, for several times that in all.
    const timer = setInterval(() => {
      const start = socket.bytesRead;
      const onData = (): void => {
        if (socket.bytesRead < start + mebibyte) return;
        client.socket.pause();
        socket.off("data", onData);
      };
      socket.on("data", onData);
      client.socket.resume();
    }, 200);
    await until(() => client.received.length > 0 || client.socket.readyState !== client.socket.OPEN, "the message");
    clearInterval(timer);
    expect(client.received[0]).toHaveLength(bytes);
  });

  test("a process that does not read makes its clients wait, and gets all when it does", async () => {
    await using folder = await tempFolder();
    const script = `while [ ! -e "$1" ]; do sleep 0.05; done; exec wc -c`;
    const admin = ["--metrics", "--adminaddr", "127.0.0.1:0"];
    await using secure = await startSecure([...admin, "--binary", ...sh(script, folder.at("go"))]);
    await using client = await join(secure, "a", secure.trust);
    for (let count = 0; count < 320; count += 1) client.send(Buffer.alloc(65_536));
    const operators = operatorsOf(secure.server);
    await until(async () => (await metric(operators, "scalesocket_input_pauses_total")) > 0, "the client to be paused");
    expect(await settled(() => client.socket.bufferedAmount)).toBeGreaterThan(0);
    await writeFile(folder.at("go"), "");
    await until(() => client.socket.bufferedAmount === 0, "all to be taken");
    expect(peakMemoryMiB(secure.server.pid)).toBeLessThan(200);
  });

  test("what a client sends behind its request comes first, and what comes later is in order", async () => {
    await using secure = await startSecure(["cat"]);
    const socket = connect({ port: secure.port, host: "127.0.0.1", rejectUnauthorized: false });
    const frames = Array.from({ length: 5000 }, (_each, index) => textFrame(String(index)));
    let received = "";
    socket.setEncoding("latin1").on("data", (text: string) => {
      received += text;
    });
    socket.write(Buffer.concat([Buffer.from(upgradeRequest("/a")), ...frames.slice(0, 100)]));
    socket.write(Buffer.concat(frames.slice(100)));
    await until(
      () => received.includes(`\u0081\u00044999`),
      () => `all messages: ${received.slice(-100)}`,
    );
    const [, ...texts] = received.split("\u0081");
    expect(texts.map((text) => Number(text.slice(1)))).toEqual(frames.map((_frame, index) => index));
    socket.destroy();
  });
});

describe.concurrent("certificates that change", () => {
  test("are taken when both fit together, and open connections live on", async () => {
    await using secure = await startSecure(["cat"]);
    await using client = await join(secure, "a", secure.trust);
    const before = await serialOf(secure);
    const next = await makeCertificate(secure.folder, "next");
    await copyFile(next.cert, secure.files.cert);
    await until(() => secure.log().includes("the certificate from before stays in use"), "the mismatch to be noticed");
    expect(await serialOf(secure)).toBe(before);
    await copyFile(next.key, secure.files.key);
    await until(async () => (await serialOf(secure)) !== before, "the new certificate");
    const isTold = (): boolean => /certificate of CN=localhost is used from now on, valid until/.test(secure.log());
    await until(isTold, "the log to tell");
    expect(secure.log()).not.toMatch(/ error /);
    client.send("still here");
    expect(await client.messages(1)).toEqual(["still here"]);
    await using later = await join(secure, "a", { ca: readFileSync(next.cert) });
    later.send("new");
    expect(await client.messages(2)).toEqual(["still here", "new"]);
  });

  test("leave all else as it was: no handshake is done again for a client that asks for it", async () => {
    await using secure = await startSecure(["cat"]);
    const before = await serialOf(secure);
    const next = await makeCertificate(secure.folder, "next");
    await Promise.all([copyFile(next.cert, secure.files.cert), copyFile(next.key, secure.files.key)]);
    await until(async () => (await serialOf(secure)) !== before, "the new certificate");
    expect(await errorOfRenegotiation(secure)).toMatchObject({ code: "ERR_SSL_NO_RENEGOTIATION" });
  });

  test("are noticed behind a symbolic link that leads somewhere else, as in Kubernetes", async () => {
    await using folder = await tempFolder();
    const files = await Promise.all(
      ["1", "2"].map(async (name) => {
        await mkdir(folder.at(name));
        const made = await makeCertificate(folder, `made-${name}`);
        await rename(made.cert, folder.at(`${name}/tls.crt`));
        await rename(made.key, folder.at(`${name}/tls.key`));
        return name;
      }),
    );
    await symlink(files[0] ?? "", folder.at("data"));
    const words = ["--tlscert", folder.at("data/tls.crt"), "--tlskey", folder.at("data/tls.key"), "cat"];
    await using server = await startServer(words);
    const before = await serialOf(server);
    await symlink(files[1] ?? "", folder.at("next"));
    await rename(folder.at("next"), folder.at("data"));
    await until(async () => (await serialOf(server)) !== before, "the new certificate");
    expect(server.log()).not.toMatch(/ (?:error|warn) /);
  });

  test("that are gone or broken leave the old ones in use", async () => {
    await using secure = await startSecure(["cat"]);
    const before = await serialOf(secure);
    const text = await readFile(secure.files.cert);
    await rename(secure.files.cert, secure.folder.at("away"));
    await until(() => secure.log().includes("(ENOENT); the certificate from before stays in use"), "it to be missed");
    await writeFile(secure.files.cert, text.subarray(0, text.length / 2));
    await until(() => secure.log().includes("expected a certificate in PEM, got something else"), "it to be refused");
    expect(await serialOf(secure)).toBe(before);
    expect(secure.log()).not.toContain("PRIVATE KEY");
  });

  test("are read again where they could not be, though they stay as they are", async () => {
    await using secure = await startSecure(["cat"]);
    const before = await serialOf(secure);
    const next = await makeCertificate(secure.folder, "next");
    limitDescriptors(secure.server, 3);
    await copyFile(next.key, secure.files.key);
    await copyFile(next.cert, secure.files.cert);
    await until(() => secure.log().includes("(EMFILE); the certificate from before stays in use"), "it to fail");
    limitDescriptors(secure.server, 1000);
    await until(() => secure.log().includes("is used from now on"), "the new certificate");
    expect(await serialOf(secure)).not.toBe(before);
    expect(secure.log().match(/stays in use/g)).toHaveLength(1);
  });

  test("are read at SIGHUP, too, or the log says why not", async () => {
    await using secure = await startSecure(["cat"]);
    const before = await serialOf(secure);
    const next = await makeCertificate(secure.folder, "next");
    await copyFile(next.key, secure.files.key);
    secure.server.child.kill("SIGHUP");
    const refused = `cannot read again, and stays as it was: certificate ${secure.files.cert}: --tlskey: expected the key of`;
    await until(() => secure.log().includes(refused), "it to be refused");
    expect(await serialOf(secure)).toBe(before);
    await copyFile(next.cert, secure.files.cert);
    secure.server.child.kill("SIGHUP");
    await until(() => secure.log().includes(`read again: certificate ${secure.files.cert}`), "it to be read");
    expect(await serialOf(secure)).not.toBe(before);
    expect(secure.log().match(/is used from now on/g)).toHaveLength(1);
  });

  test("whose time is over are warned of", async () => {
    await using folder = await tempFolder();
    const { cert, key } = await makeExpired(folder, "old");
    await using server = await startServer(["--tlscert", cert, "--tlskey", key, "cat"]);
    expect(server.log()).toMatch(/warn +the certificate in ".*" ended on /);
  });
});

describe.concurrent("--tlsca", () => {
  test("lets in clients with a certificate of that authority alone, and tells who they are", async () => {
    await using folder = await tempFolder();
    const authority = await makeAuthority(folder, "authority");
    const stranger = await makeAuthority(folder, "stranger");
    const subject = String.raw`/C=DE/O=Smith, Jones \+ Co/OU=A+CN=Jörg #1`;
    const known = await makeCertificate(folder, "known", { subject, authority });
    const other = await makeCertificate(folder, "other", { subject, authority: stranger });
    await using secure = await startSecure(["-v", "--tlsca", authority.cert, ...sh('echo "$TLS_CLIENT_S_DN"; cat')]);
    await using client = await join(secure, "a", { ...secure.trust, ...read(known) });
    expect(await client.messages(1)).toEqual(["OU=A+CN=J\u00f6rg #1,O=Smith\\, Jones \\+ Co,C=DE"]);
    await expect(join(secure, "a", { ...secure.trust, ...read(other) })).rejects.toThrow();
    await expect(join(secure, "a", secure.trust)).rejects.toThrow();
    client.send("still here");
    expect(await client.messages(2)).toHaveLength(2);
    const log = await wholeLog(secure.server);
    expect(log).not.toMatch(/ (?:error|warn) |^ +at /m);
    // As seen from here, and not as a connection that the client has reset.
    expect(log).toMatch(/ debug TLS handshake with .* failed: UNABLE_TO_VERIFY_LEAF_SIGNATURE/);
    expect(log).toMatch(/ debug TLS handshake with .* failed: ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE/);
  });

  test("tells the subject in join messages, in which it breaks out of nothing, also for a session that is resumed", async () => {
    await using folder = await tempFolder();
    const authority = await makeAuthority(folder, "authority");
    const known = await makeCertificate(folder, "known", { subject: '/CN="}\\\\n#ID', authority });
    const words = ["--tlsca", authority.cert, "--joinmsg", '{"who":"#TLS_CLIENT_S_DN"}', "cat"];
    await using secure = await startSecure(words);
    const options = { ...secure.trust, ...read(known) };
    await using first = await join(secure, "a", options);
    const [message] = await first.messages(1);
    const { who } = JSON.parse(String(message)) as { who: string };
    expect(decodeURIComponent(who)).toMatch(/^CN=\\"\}/);
    const { _socket: socket } = first.socket as unknown as { _socket: TLSSocket };
    await using second = await join(secure, "a", { ...options, session: socket.getSession() } as typeof options);
    const { _socket: resumed } = second.socket as unknown as { _socket: TLSSocket };
    expect(resumed.isSessionReused()).toBe(true);
    expect((await second.messages(1))[0]).toBe(message);
  });

  test("an authority that is taken away lets nobody in any more, not even by an old session", async () => {
    await using folder = await tempFolder();
    const authority = await makeAuthority(folder, "authority");
    const next = await makeAuthority(folder, "next");
    const known = await makeCertificate(folder, "known", { subject: "/CN=known", authority });
    const ca = folder.at("ca.pem");
    await copyFile(authority.cert, ca);
    await using secure = await startSecure(["--tlsca", ca, "cat"]);
    const options = { ...secure.trust, ...read(known) };
    await using client = await join(secure, "a", options);
    client.send("hello");
    await client.messages(1);
    const { _socket: socket } = client.socket as unknown as { _socket: TLSSocket };
    const session = socket.getSession();
    await copyFile(next.cert, ca);
    await until(() => secure.log().includes("is used from now on"), "the new authority");
    await expect(join(secure, "a", { ...options, session } as typeof options)).rejects.toThrow();
    client.send("still here");
    expect(await client.messages(2)).toEqual(["hello", "still here"]);
  });
});

interface SecureServer extends Door, AsyncDisposable {
  readonly server: TestServer;
  readonly folder: TempFolder;
  readonly files: Certificate;
  /** What a client needs to believe the server. */
  readonly trust: { readonly ca: Buffer };
}

async function startSecure(words: readonly string[]): Promise<SecureServer> {
  const folder = await tempFolder();
  const files = await makeCertificate(folder, "server");
  const server = await startServer(["--tlscert", files.cert, "--tlskey", files.key, ...words]);
  return {
    server,
    folder,
    files,
    port: server.port,
    origin: `wss://127.0.0.1:${server.port}`,
    log: () => server.log(),
    trust: { ca: readFileSync(files.cert) },
    async [Symbol.asyncDispose]() {
      await server[Symbol.asyncDispose]();
      await folder[Symbol.asyncDispose]();
    },
  };
}

/** Leaves the server only descriptors below the number. */
function limitDescriptors(server: TestServer, below: number): void {
  execFileSync("prlimit", ["--pid", String(server.pid), `--nofile=${below}:`]);
}

function read({ cert, key }: Certificate): { cert: Buffer; key: Buffer } {
  return { cert: readFileSync(cert), key: readFileSync(key) };
}

async function get({ port, trust }: SecureServer, path: string): Promise<Response> {
  const asking = request({ host: "127.0.0.1", port, path, ...trust }).end();
  const [response] = await once(asking, "response");
  let body = "";
  for await (const chunk of response) body += String(chunk);
  return new Response(body, { status: response.statusCode });
}

/** What a handshake comes to. */
async function shake(
  { port }: Door,
  options: ConnectionOptions,
): Promise<{ protocol: string; alpn: string; serial: string }> {
  const socket = connect({ host: "127.0.0.1", port, rejectUnauthorized: false, ...options });
  try {
    await once(socket, "secureConnect");
    const { serialNumber: serial } = socket.getPeerCertificate();
    return { protocol: socket.getProtocol() ?? "", alpn: String(socket.alpnProtocol), serial };
  } finally {
    socket.destroy();
  }
}

/** What a client meets that asks for the handshake to be done again; null where it is. */
async function errorOfRenegotiation({ port }: Door): Promise<unknown> {
  const socket = connect({ host: "127.0.0.1", port, rejectUnauthorized: false, maxVersion: "TLSv1.2" });
  await once(socket, "secureConnect");
  const [error] = await Promise.race([
    once(socket, "error").catch((thrown: unknown) => [thrown]),
    renegotiated(socket),
  ]);
  socket.destroy();
  return error;
}

async function renegotiated(socket: TLSSocket): Promise<[Error | null]> {
  return new Promise((resolve) => {
    socket.renegotiate({ rejectUnauthorized: false }, (error) => resolve([error]));
  });
}

async function serialOf(server: Door): Promise<string> {
  return (await shake(server, {})).serial;
}
