import type { TestServer } from "./server.ts";

/** The listener of a server that has one of its own for operators (`--adminaddr 127.0.0.1:0`). */
export function operatorsOf(server: TestServer): Pick<TestServer, "port" | "http"> {
  const [, port] = /listening on [\d.]+:(\d+) for operators\n/.exec(server.log()) ?? [];
  return { port: Number(port), http: async (path, init) => fetch(`http://127.0.0.1:${port}${path}`, init) };
}
