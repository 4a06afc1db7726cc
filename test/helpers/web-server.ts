import { once } from "node:events";
import { createServer, type IncomingMessage, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";

/** A web server that the server under test asks for something. */
export interface WebServer extends AsyncDisposable {
  readonly url: string;
  /** How many connections were made to it. */
  readonly connections: number;
}

/** Serves on a free port until the scope ends. */
export async function webServer(listener: RequestListener): Promise<WebServer> {
  let connections = 0;
  const server = createServer(listener).listen({ host: "127.0.0.1", port: 0 });
  server.on("connection", () => {
    connections += 1;
  });
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/`,
    get connections() {
      return connections;
    },
    async [Symbol.asyncDispose]() {
      const closed = once(server, "close");
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

/** The body of a request. */
export async function bodyOf(request: IncomingMessage): Promise<string> {
  let body = "";
  for await (const chunk of request) body += String(chunk);
  return body;
}
