import { isUtf8 } from "node:buffer";

/** Who a client has shown to be. */
export interface Identity {
  /** The name under which it is known: `REMOTE_USER` and `#USER`; empty where it has none. */
  readonly user: string;
  /** How it has shown that (RFC 3875 section 4.1.1), such as `Bearer`. */
  readonly authType: string;
  /** Until when that holds, in milliseconds of Unix time; null is for ever. */
  readonly expiresAtMs: number | null;
}

/** One client's request to join a room: plain data, so that it can be handed to where the room lives. */
export interface JoinRequest {
  /** The id of its connection: no other client of this server has it, ever. */
  readonly connectionId: number;
  readonly room: string;
  /** What stands before the room in the path: empty, or from its first slash on. */
  readonly basePath: string;
  /** What follows the room in the path, percent-decoded: empty, or from its slash on. */
  readonly pathInfo: string;
  /** The query without its question mark, as it came. */
  readonly query: string;
  /** The request target as it came. */
  readonly url: string;
  readonly method: string;
  /** The `Host` header, empty without one. */
  readonly host: string;
  readonly httpVersion: string;
  /** Names and values of the headers in turn, as they came, decoded as Latin-1. */
  readonly rawHeaders: readonly string[];
  /** Empty, and 0, for a client of a unix socket. */
  readonly remoteAddress: string;
  readonly remotePort: number;
  readonly serverPort: number;
  /** How the client came to the server, or to the proxy before it. */
  readonly scheme: "http" | "https";
  /** Null where nobody has asked. */
  readonly identity: Identity | null;
  /** The subject of the client's certificate (RFC 4514), empty without one. */
  readonly tlsSubject: string;
}

type Variable = (request: JoinRequest, software: string) => string;

/** The variables that each process gets (RFC 3875 section 4.1), and three that other servers add. */
const variableTable: Readonly<Record<string, Variable>> = {
  GATEWAY_INTERFACE: () => "CGI/1.1",
  QUERY_STRING: (request) => request.query,
  REMOTE_ADDR: (request) => request.remoteAddress,
  REMOTE_HOST: (request) => request.remoteAddress,
  REMOTE_PORT: ({ remotePort }) => (remotePort === 0 ? "" : String(remotePort)),
  REQUEST_METHOD: (request) => request.method,
  REQUEST_URI: (request) => request.url,
  SCRIPT_NAME: (request) => `${request.basePath}/${request.room}`,
  PATH_INFO: (request) => request.pathInfo,
  SERVER_NAME: (request) => request.host.replace(/:\d*$/, ""),
  SERVER_PORT: (request) => String(request.serverPort),
  SERVER_PROTOCOL: (request) => `HTTP/${request.httpVersion}`,
  SERVER_SOFTWARE: (_request, software) => software,
  ROOM: (request) => request.room,
};

/** Variables that are set only where there is a value: whether they are there says something, too. */
const optionalTable: Readonly<Record<string, (request: JoinRequest) => string | undefined>> = {
  AUTH_TYPE: (request) => request.identity?.authType,
  REMOTE_USER: (request) => request.identity?.user || undefined,
  HTTPS: (request) => (request.scheme === "https" ? "on" : undefined),
  TLS_CLIENT_S_DN: (request) => request.tlsSubject || undefined,
};

const requestVariables = Object.entries(variableTable);
const optionalVariables = Object.entries(optionalTable);

/** The names of all variables that {@link cgiVariables} may set, but for those of headers. */
export const cgiNames: readonly string[] = [...Object.keys(variableTable), ...Object.keys(optionalTable)];

/** Request headers that no process is told: `Proxy` would be taken for a proxy setting, the others are secrets. */
const withheldHeaders = new Set(["proxy", "authorization", "proxy-authorization"]);

const headerName = /^[A-Za-z0-9-]+$/;
const beyondAscii = /[\u0080-\u00ff]/;

/** What describes a client to a process: the CGI variables, and its headers as `HTTP_*`, over those that are given. */
export function cgiVariables(
  request: JoinRequest,
  software: string,
  given?: ReadonlyMap<string, string>,
): Map<string, string> {
  const variables = new Map(given);
  for (const [name, value] of headersByName(request.rawHeaders)) {
    if (!headerName.test(name) || withheldHeaders.has(name)) continue;
    variables.set(`HTTP_${name.toUpperCase().replaceAll("-", "_")}`, value);
  }
  for (const [name, valueOf] of requestVariables) variables.set(name, valueOf(request, software));
  for (const [name, valueOf] of optionalVariables) {
    const value = valueOf(request);
    if (value !== undefined) variables.set(name, value);
  }
  return variables;
}

/**
 * Headers by their names in small letters. Those of one name become one value (RFC 9110 section 5.3; cookies: RFC 6265
 * section 5.4).
 */
export function headersByName(rawHeaders: readonly string[]): Map<string, string> {
  const headers = new Map<string, string>();
  for (const [originalName, bytes] of headersOf(rawHeaders)) {
    const name = originalName.toLowerCase();
    const value = decodeHeader(bytes);
    const before = headers.get(name);
    headers.set(name, before === undefined ? value : `${before}${name === "cookie" ? "; " : ", "}${value}`);
  }
  return headers;
}

/** Headers one by one, as they came. */
export function* headersOf(rawHeaders: readonly string[]): Generator<[name: string, value: string]> {
  for (let at = 0; at + 1 < rawHeaders.length; at += 2) yield [rawHeaders[at] ?? "", rawHeaders[at + 1] ?? ""];
}

/** Header bytes reach us as Latin-1; where they are UTF-8, that is what was meant. */
function decodeHeader(value: string): string {
  if (!beyondAscii.test(value)) return value;
  const bytes = Buffer.from(value, "latin1");
  return isUtf8(bytes) ? bytes.toString("utf8") : value;
}
