import type { Server } from "node:http";
import type { RequestHead } from "../request-head.ts";
import { type Endpoints, HandleEndpoints } from "../system/endpoints.ts";
import { interceptConnections } from "../system/listening-handle.ts";
import { loadPeek, type Peek } from "../system/peek.ts";
import type { SocketHandle } from "../system/socket-handle.ts";
import { UnreadConnection } from "../system/unread-connection.ts";
import { readUpgradeHead, type UpgradeHead } from "./upgrade-head.ts";

/** Whose request is longer is for Node. */
const maxHeadBytes = 4096;

/**
 * Takes those clients from an HTTP server that ask for a websocket and nothing else, and whose request is there as soon as their
 * connection is: reading it in Node takes longer, and more memory, than all that is done for them here. All others stay with the server.
 */
export function takePromptClients(
  http: Server,
  onClient: (request: RequestHead, connection: UnreadConnection) => void,
): void {
  const peek = loadPeek();
  if (peek === undefined) return;
  const bytes = Buffer.allocUnsafeSlow(maxHeadBytes);
  interceptConnections(http, (handle) => {
    const head = takeHead(handle, peek, bytes);
    if (head === undefined) return false;
    // As Node does it for all others of our servers.
    handle.setNoDelay?.(true);
    onClient(new UpgradeRequest(head, new HandleEndpoints(handle)), UnreadConnection.ofHandle(handle));
    return true;
  });
}

/** What it does not take stays where it is. */
function takeHead({ fd }: SocketHandle, peek: Peek, bytes: Buffer): UpgradeHead | undefined {
  const count = peek.look(fd, bytes);
  if (count <= 0) return undefined;
  const head = readUpgradeHead(bytes.toString("latin1", 0, count));
  return head !== undefined && peek.take(fd, bytes, head.length) ? head : undefined;
}

class UpgradeRequest implements RequestHead {
  readonly method = "GET";
  readonly httpVersion = "1.1";
  readonly url: string;
  readonly headers: UpgradeHead["headers"];
  readonly rawHeaders: string[];
  readonly socket: Endpoints;
  #distinct: Record<string, string[]> | undefined;

  constructor({ url, headers, rawHeaders }: UpgradeHead, endpoints: Endpoints) {
    this.url = url;
    this.headers = headers;
    this.rawHeaders = rawHeaders;
    this.socket = endpoints;
  }

  get headersDistinct(): Record<string, string[]> {
    if (this.#distinct === undefined) {
      this.#distinct = Object.create(null) as Record<string, string[]>;
      for (const [name, value] of Object.entries(this.headers)) this.#distinct[name] = [value];
    }
    return this.#distinct;
  }
}
