/** The head of a request for a websocket, with its headers in the forms that Node gives them. */
export interface UpgradeHead {
  /** How many bytes it has. */
  readonly length: number;
  readonly url: string;
  readonly rawHeaders: string[];
  readonly headers: Readonly<Record<string, string>>;
}

const requestLine = /^GET (\/[!-~]*) HTTP\/1\.1\r\n/;
/** A name (RFC 9110 section 5.6.2), and a value of printable ASCII that neither begins nor ends with a space. */
const headerLine = /([!#$%&'*+.^`|~\w-]+): ?((?:[!-~](?:[\t -~]*[!-~])?)?)\r\n/y;
const lineEnd = "\r\n";

/** Those that say that more of the request comes, the one that Node takes for a list, and the one that it leaves out. */
const unusual = ["__proto__", "content-length", "expect", "set-cookie", "te", "trailer", "transfer-encoding"];
const upgrade = /^(?:keep-alive, ?)?upgrade$/i;

/**
 * Reads the head of a request for a websocket if it is as nearly all are: whole, of printable ASCII, without a body and with no
 * header twice (RFC 6455 section 4.1). Undefined for all others, which are for somebody who knows the whole of HTTP. Each
 * character of `text` is a byte.
 */
export function readUpgradeHead(text: string): UpgradeHead | undefined {
  const [line, url] = requestLine.exec(text) ?? [];
  if (line === undefined || url === undefined) return undefined;
  const rawHeaders: string[] = [];
  const headers = Object.create(null) as Record<string, string>;
  let at = line.length;
  while (!text.startsWith(lineEnd, at)) {
    headerLine.lastIndex = at;
    const [header, name, value] = headerLine.exec(text) ?? [];
    if (header === undefined || name === undefined || value === undefined) return undefined;
    const key = name.toLowerCase();
    if (headers[key] !== undefined) return undefined;
    headers[key] = value;
    rawHeaders.push(name, value);
    at += header.length;
  }
  return isUsual(headers) ? { length: at + lineEnd.length, url, rawHeaders, headers } : undefined;
}

function isUsual(headers: Readonly<Record<string, string>>): boolean {
  if (headers["upgrade"]?.toLowerCase() !== "websocket" || headers["host"] === undefined) return false;
  return upgrade.test(headers["connection"] ?? "") && unusual.every((name) => headers[name] === undefined);
}
