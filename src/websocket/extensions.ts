import { createRequire } from "node:module";
import { RefusedError } from "../errors.ts";

/** The offers of a header: by extension, the parameters of each; a parameter has its values, true where none is written. */
type Offers = Readonly<Record<string, readonly Parameters[]>>;
type Parameters = Readonly<Record<string, readonly (string | true)[]>>;
/** The reader of the header in `ws`, which its types leave out. */
type ReadHeader = (header: string) => Offers;

const name = "permessage-deflate";
/** RFC 7692 section 7.1.2: from 8 to 15, without leading zeros. */
const windowBits = /^(?:[89]|1[0-5])$/;
/** Each message is compressed by itself, both ways: so a broadcast is the same for all, and nothing is kept in between. */
const agreed = `${name}; server_no_context_takeover; client_no_context_takeover`;
/** What everyone gets is compressed with this window. */
const ourWindowBits = "15";

/** Which values each parameter of an offer may have for it to be acceptable (RFC 7692 section 7.1). */
const isAcceptable = new Map<string, (value: string | true) => boolean>([
  ["server_no_context_takeover", (value) => value === true],
  ["client_no_context_takeover", (value) => value === true],
  // A smaller one would be another broadcast, for that client alone.
  ["server_max_window_bits", (value) => value === ourWindowBits],
  // Whatever the client can do: its messages are read with the largest window.
  ["client_max_window_bits", (value) => value === true || windowBits.test(value)],
]);

/**
 * What to answer to the extensions that a client offers: the first acceptable offer to compress, or undefined where there
 * is none. An offer with a parameter that is unknown, has a wrong value or comes twice is declined (RFC 7692 section 7.1).
 * @throws RefusedError 400 where the header is malformed (RFC 6455 section 9.1).
 */
export function agreeOnExtension(header: string | undefined): string | undefined {
  if (header === undefined) return undefined;
  const offers = readHeader(header)[name] ?? [];
  const accepted = offers.find((parameters) =>
    Object.entries(parameters).every(([parameter, values]) => {
      const [value, ...more] = values;
      return value !== undefined && more.length === 0 && isAcceptable.get(parameter)?.(value) === true;
    }),
  );
  if (accepted === undefined) return undefined;
  return "server_max_window_bits" in accepted ? `${agreed}; server_max_window_bits=${ourWindowBits}` : agreed;
}

function readHeader(header: string): Offers {
  const ws = createRequire(import.meta.url)("ws") as { extension: { parse: ReadHeader } };
  try {
    return ws.extension.parse(header);
  } catch {
    throw new RefusedError(400, "Sec-WebSocket-Extensions must be a list of extensions with their parameters");
  }
}
