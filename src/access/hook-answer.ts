import { RefusedError } from "../errors.ts";
import type { WholeAnswer } from "./bounded-fetch.ts";
import { challenges } from "./challenges.ts";
import { type Grant, parseRooms, userFault } from "./grant.ts";

/** What a web hook has decided about a client. */
export type Verdict =
  | { readonly kind: "grant"; readonly grant: Grant }
  | { readonly kind: "refusal"; readonly status: 401 | 403; readonly challenge: string };

/** Printable ASCII: it becomes a line of our own answer. */
const challengePattern = /^[ -~]{1,1024}$/;

/** Reads the answer of a hook. Throws where it is not one that lets in or refuses. */
export function parseAnswer({ status, headers, text }: WholeAnswer): Verdict {
  if (status === 401 || status === 403) {
    const challenge = headers.get("www-authenticate") ?? "";
    return { kind: "refusal", status, challenge: challengePattern.test(challenge) ? challenge : challenges.bearer };
  }
  if (status !== 200) throw new Error(`it answered with ${status}`);
  return { kind: "grant", grant: parseGrant(text.trim()) };
}

/** The refusal that a client gets. */
export function refusalOf({ status, challenge }: Verdict & { kind: "refusal" }): RefusedError {
  const headers: Record<string, string> = status === 401 ? { "WWW-Authenticate": challenge } : {};
  return new RefusedError(status, "you are not let in", headers, "so says the hook");
}

function parseGrant(text: string): Grant {
  const { user = "", rooms = "*", expires } = parseObject(text);
  if (typeof user !== "string") throw new Error("user is not text");
  const fault = userFault(user);
  if (fault !== undefined) throw new Error(fault);
  const parsedRooms = parseRooms(rooms);
  if (parsedRooms === undefined) throw new Error("rooms is neither a name nor a list of names");
  const expiresAtMs = expires === undefined ? null : Number(expires) * 1000;
  if (expires !== undefined && (typeof expires !== "number" || Number(expiresAtMs) <= Date.now())) {
    throw new Error("expires is not a time to come in seconds of Unix time");
  }
  return { identity: { user, authType: "Hook", expiresAtMs }, rooms: parsedRooms };
}

/** Whoever has nothing to say of a client need not say that. */
function parseObject(text: string): { user?: unknown; rooms?: unknown; expires?: unknown } {
  if (text === "") return {};
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw new Error("its answer is not JSON");
  }
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw new Error("its answer is not a JSON object");
  }
  return value;
}
