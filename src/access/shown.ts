import { headersOf } from "../join-request.ts";
import { isTokenProtocol, tokenProtocol } from "../token-protocol.ts";
import { severalTokens } from "./challenges.ts";
import type { Visitor } from "./visitor.ts";

const bearer = /^Bearer +([A-Za-z0-9._~+/-]+=*) *$/i;
const basic = /^Basic +([A-Za-z0-9+/]+={0,2}) *$/i;

/** Headers that are only for the server. */
const secretHeaders = new Set(["authorization", "proxy-authorization"]);

/** The token that a request shows, undefined where there is none. @throws RefusedError 400 where there are different ones */
export function tokenOf({ rawHeaders, query }: Visitor, parameter: string | undefined): string | undefined {
  const tokens = new Set<string>();
  for (const [originalName, value] of headersOf(rawHeaders)) {
    const name = originalName.toLowerCase();
    if (name === "authorization") tokens.add(bearer.exec(value)?.[1] ?? "");
    if (name !== "sec-websocket-protocol") continue;
    for (const protocol of protocolsIn(value).filter(isTokenProtocol)) tokens.add(protocol.slice(tokenProtocol.length));
  }
  for (const piece of query.split("&")) {
    if (parameter !== undefined && parameterIn(piece).name === parameter) tokens.add(parameterIn(piece).value);
  }
  tokens.delete("");
  if (tokens.size > 1) throw severalTokens();
  return tokens.values().next().value;
}

/** User and password of a request (RFC 7617), undefined where it shows none that can be read. */
export function passwordOf(authorization: string | undefined): { user: string; password: string } | undefined {
  const text = Buffer.from(basic.exec(authorization ?? "")?.[1] ?? "", "base64").toString("utf8");
  const colon = text.indexOf(":");
  return colon === -1 ? undefined : { user: text.slice(0, colon), password: text.slice(colon + 1) };
}

/** The visitor as others may see it: without tokens and passwords, wherever these stood. */
export function withoutSecrets(visitor: Visitor, parameter: string | undefined): Visitor {
  const rawHeaders: string[] = [];
  for (const [name, value] of headersOf(visitor.rawHeaders)) {
    const kept = withoutSecret(name.toLowerCase(), value);
    if (kept !== undefined) rawHeaders.push(name, kept);
  }
  if (parameter === undefined) return { ...visitor, rawHeaders };
  const query = withoutParameter(visitor.query, parameter);
  if (query === visitor.query) return { ...visitor, rawHeaders };
  const path = visitor.url.slice(0, visitor.url.indexOf("?"));
  return { ...visitor, rawHeaders, query, url: query === "" ? path : `${path}?${query}` };
}

function protocolsIn(value: string): string[] {
  return value.split(",").map((protocol) => protocol.trim());
}

function withoutSecret(name: string, value: string): string | undefined {
  if (secretHeaders.has(name)) return undefined;
  if (name !== "sec-websocket-protocol") return value;
  const protocols = protocolsIn(value);
  const others = protocols.filter((protocol) => !isTokenProtocol(protocol));
  if (others.length === protocols.length) return value;
  return others.length === 0 ? undefined : others.join(", ");
}

/** All else stays as it came. */
function withoutParameter(query: string, parameter: string): string {
  const pieces = query.split("&");
  const others = pieces.filter((piece) => parameterIn(piece).name !== parameter);
  return others.length === pieces.length ? query : others.join("&");
}

/** One piece of a query, read as templates read it: a question mark before it does not count. */
function parameterIn(piece: string): { name: string; value: string } {
  const [[name, value] = ["", ""]] = new URLSearchParams(piece);
  return { name, value };
}
