import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { chmod, mkdir, readFile, writeFile } from "node:fs/promises";
import { connect } from "node:net";
import { promisify } from "node:util";
import type { Door } from "../helpers/client.ts";
import { freePorts } from "../helpers/ports.ts";
import { shippedWith } from "../helpers/shipped.ts";
import { type TempFolder, tempFolder } from "../helpers/temp-folder.ts";
import { until } from "../helpers/until.ts";
import type { Tool, ToolPaths } from "./tools.ts";

/** A proxy that runs with the file in deploy/, in front of servers of the test. */
interface Proxy extends Door, AsyncDisposable {
  readonly origin: string;
  /** Where it answers plain HTTP, if it does. */
  readonly plainPort: number;
  /** What it has logged of requests so far. */
  accessLog(): Promise<string>;
}

interface Surroundings {
  /** Ports of the servers on 127.0.0.1. */
  readonly servers: readonly number[];
  /** In place of the 75 s for websockets. */
  readonly timeoutSeconds?: number;
}

export interface ProxyKind {
  readonly tool: Tool;
  /** Whether websockets that are silent are cut off. */
  readonly hasTimeout: boolean;
  /** Whether it asks servers for their health. */
  readonly asksForHealth: boolean;
  /** Whether the file says what plain HTTP gets; Caddy does that by itself. */
  readonly hasPlain: boolean;
  readonly logsRequests: boolean;
  readonly start: (tools: ToolPaths, surroundings: Surroundings) => Promise<Proxy>;
}

interface Setting {
  readonly folder: TempFolder;
  readonly ports: { readonly plain: number; readonly tls: number };
  readonly certificate: string;
  readonly key: string;
  readonly servers: readonly number[];
  readonly timeout: string;
}

/** What to run, once its files are written. */
interface Run {
  readonly words: readonly string[];
  readonly accessLog?: string;
}

export const proxyKinds: readonly ProxyKind[] = [
  {
    tool: "nginx",
    hasTimeout: true,
    asksForHealth: false,
    hasPlain: true,
    logsRequests: true,
    start: starter("nginx", writeNginx),
  },
  {
    tool: "haproxy",
    hasTimeout: true,
    asksForHealth: true,
    hasPlain: true,
    logsRequests: true,
    start: starter("haproxy", writeHaproxy),
  },
  {
    tool: "caddy",
    hasTimeout: false,
    asksForHealth: true,
    hasPlain: false,
    logsRequests: false,
    start: starter("caddy", writeCaddy),
  },
];

async function writeNginx({ folder, ports, certificate, key, servers, timeout }: Setting): Promise<Run> {
  const accessLog = folder.at("access.log");
  const text = await shippedWith("deploy/nginx/scalesocket.conf", [
    ["listen 80;", `listen 127.0.0.1:${ports.plain};`],
    ["listen 443 ssl;", `listen 127.0.0.1:${ports.tls} ssl;`],
    ["/etc/ssl/example.com.crt", certificate],
    ["/etc/ssl/private/example.com.key", key],
    ["/var/log/nginx/scalesocket.log", accessLog],
    ["server 127.0.0.1:9000;", servers.map((port) => `server 127.0.0.1:${port};`).join(" ")],
    ["75s;", `${timeout};`],
  ]);
  await writeFile(folder.at("scalesocket.conf"), text);
  const temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"];
  const paths = temporary.map((name) => `${name}_temp_path ${folder.at(name)};`).join(" ");
  // Where tests run as root, nginx would become somebody who may not look into the folder.
  const user = process.getuid?.() === 0 ? "user root;" : "";
  await writeFile(
    folder.at("nginx.conf"),
    `daemon off; ${user} worker_processes 1; pid ${folder.at("pid")}; error_log stderr warn;
     events { worker_connections 256; } http { access_log off; ${paths} include ${folder.at("scalesocket.conf")}; }`,
  );
  return { words: ["-c", folder.at("nginx.conf"), "-e", "stderr"], accessLog };
}

async function writeHaproxy({ folder, ports, certificate, key, servers, timeout }: Setting): Promise<Run> {
  await writeFile(folder.at("both.pem"), (await readFile(certificate, "utf8")) + (await readFile(key, "utf8")));
  const text = await shippedWith("deploy/haproxy/scalesocket.cfg", [
    ["bind :80", `bind 127.0.0.1:${ports.plain}`],
    ["bind :443", `bind 127.0.0.1:${ports.tls}`],
    ["/etc/haproxy/certs/example.com.pem", folder.at("both.pem")],
    ["check port 8999 inter 2s", "check inter 100ms"],
    ["server one 127.0.0.1:9000", servers.map((port) => `server s${port} 127.0.0.1:${port}`).join("\n    ")],
    ["timeout tunnel 75s", `timeout tunnel ${timeout}`],
  ]);
  await writeFile(folder.at("scalesocket.cfg"), text);
  await writeFile(folder.at("haproxy.cfg"), "global\n    maxconn 256\n    log stdout format raw local0\n");
  return { words: ["-db", "-f", folder.at("haproxy.cfg"), "-f", folder.at("scalesocket.cfg")] };
}

async function writeCaddy({ folder, ports, certificate, key, servers }: Setting): Promise<Run> {
  const text = await shippedWith("deploy/caddy/Caddyfile", [
    ["\nexample.com {", `\nhttps://:${ports.tls} {\n\tbind 127.0.0.1\n\ttls ${certificate} ${key}`],
    ["127.0.0.1:9000", servers.map((port) => `127.0.0.1:${port}`).join(" ")],
    ["health_port 8999", ""],
    ["health_interval 2s", "health_interval 100ms"],
  ]);
  await mkdir(folder.at("home"));
  await writeFile(folder.at("Caddyfile"), `{\n\tadmin off\n\tauto_https off\n}\n${text}`);
  return { words: ["run", "--config", folder.at("Caddyfile"), "--adapter", "caddyfile"] };
}

function starter(tool: Tool, write: (setting: Setting) => Promise<Run>): ProxyKind["start"] {
  return async (tools, { servers, timeoutSeconds = 75 }) => {
    const folder = await tempFolder();
    const { start: plain, end: tls } = await freePorts(2);
    const certificate = folder.at("certificate.pem");
    const key = folder.at("key.pem");
    await makeCertificate(tools.openssl as string, certificate, key);
    const timeout = `${timeoutSeconds * 1000}ms`;
    const run = await write({ folder, ports: { plain, tls }, certificate, key, servers, timeout });
    const env = { ...process.env, HOME: folder.at("home"), XDG_DATA_HOME: folder.at("home") };
    const child = spawn(tools[tool] as string, run.words, { stdio: ["ignore", "pipe", "pipe"], env });
    return toProxy(child, folder, { plain, tls }, run.accessLog);
  };
}

async function toProxy(
  child: ChildProcess,
  folder: TempFolder,
  ports: Setting["ports"],
  accessLog: string | undefined,
): Promise<Proxy> {
  const exit = once(child, "exit");
  let log = "";
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding("utf8").on("data", (text: string) => {
      log += text;
    });
  }
  const proxy: Proxy = {
    origin: `wss://127.0.0.1:${ports.tls}`,
    port: ports.tls,
    plainPort: ports.plain,
    log: () => log,
    accessLog: async () => (accessLog === undefined ? log : readFile(accessLog, "utf8")),
    async [Symbol.asyncDispose]() {
      child.kill("SIGTERM");
      const killAfter = setTimeout(() => child.kill("SIGKILL"), 3000);
      await exit;
      clearTimeout(killAfter);
      await folder[Symbol.asyncDispose]();
    },
  };
  try {
    await until(
      async () => child.exitCode !== null || (await answers(ports.tls)),
      () => `${child.spawnfile} to listen: ${log}`,
    );
    if (child.exitCode !== null) throw new Error(`${child.spawnfile} does not start: ${log}`);
    return proxy;
  } catch (error) {
    await proxy[Symbol.asyncDispose]();
    throw error;
  }
}

async function makeCertificate(openssl: string, certificate: string, key: string): Promise<void> {
  const subject = ["-subj", "/CN=example.com", "-addext", "subjectAltName=DNS:example.com", "-days", "2"];
  const files = ["-keyout", key, "-out", certificate];
  const kind = ["-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"];
  await promisify(execFile)(openssl, ["req", ...kind, ...subject, ...files]);
  await chmod(key, 0o600);
}

async function answers(port: number): Promise<boolean> {
  const socket = connect({ host: "127.0.0.1", port });
  try {
    await once(socket, "connect");
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}
