/** What is wrong in a JSON text, and from which character on. */
export interface JsonFault {
  readonly offset: number;
  readonly message: string;
}

/** What may come next. */
type Wanted = "value" | "first item" | "key" | "first key" | ":" | "rest of object" | "rest of list" | "end";

const space = /[ \t\r\n]*/y;
// A line break in a string is what is to be found.
// oxlint-disable-next-line no-control-regex
const string = /"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9A-Fa-f]{4}))*"/y;
const scalar = /(?:-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[Ee][+-]?[0-9]+)?|true|false|null)(?![\w.])/y;
const punctuation = /[[\]{}:,]/y;

/** What may stand where. A string can be a key or a value; the three others stand for themselves, or for what they begin. */
const expected: Readonly<Record<Wanted, string>> = {
  value: "a value",
  "first item": "a value or ]",
  key: "a key in double quotes",
  "first key": "a key in double quotes or }",
  ":": ":",
  "rest of object": ", or }",
  "rest of list": ", or ]",
  end: "the end",
};

/**
 * Looks where a text stops to be JSON, which `JSON.parse` of some versions of Node does not tell, and for a key that is
 * twice in its outermost object, which `JSON.parse` lets pass.
 */
export function findJsonFault(text: string): JsonFault | undefined {
  const open: ("{" | "[")[] = [];
  const keys = new Set<unknown>();
  let wanted: Wanted = "value";
  let at = skipSpace(text, 0);
  while (at < text.length) {
    const token = tokenAt(text, at);
    const next: Wanted | undefined = token === undefined ? undefined : follow(wanted, token, open);
    if (token === undefined || next === undefined) return { offset: at, message: `expected ${expected[wanted]}` };
    if (next === ":" && open.length === 1) {
      const key: unknown = JSON.parse(token);
      if (keys.has(key)) return { offset: at, message: `${token} is there twice` };
      keys.add(key);
    }
    wanted = next;
    at = skipSpace(text, at + token.length);
  }
  return wanted === "end" ? undefined : { offset: at, message: `expected ${expected[wanted]}` };
}

/** What may come behind a token; undefined where it cannot stand. */
function follow(wanted: Wanted, token: string, open: ("{" | "[")[]): Wanted | undefined {
  const isKeyWanted = wanted === "key" || wanted === "first key";
  switch (token) {
    case "{":
    case "[":
      if (wanted !== "value" && wanted !== "first item") return undefined;
      open.push(token);
      return token === "{" ? "first key" : "first item";
    case "}":
      return wanted === "first key" || wanted === "rest of object" ? close(open) : undefined;
    case "]":
      return wanted === "first item" || wanted === "rest of list" ? close(open) : undefined;
    case ":":
      return wanted === ":" ? "value" : undefined;
    case ",":
      if (wanted === "rest of object") return "key";
      return wanted === "rest of list" ? "value" : undefined;
    default:
      if (isKeyWanted) return token.startsWith('"') ? ":" : undefined;
      return wanted === "value" || wanted === "first item" ? behindValue(open) : undefined;
  }
}

function close(open: ("{" | "[")[]): Wanted {
  open.pop();
  return behindValue(open);
}

function behindValue(open: readonly ("{" | "[")[]): Wanted {
  const innermost = open.at(-1);
  if (innermost === undefined) return "end";
  return innermost === "{" ? "rest of object" : "rest of list";
}

function tokenAt(text: string, at: number): string | undefined {
  return matchAt(string, text, at) ?? matchAt(scalar, text, at) ?? matchAt(punctuation, text, at);
}

function skipSpace(text: string, at: number): number {
  return at + (matchAt(space, text, at)?.length ?? 0);
}

function matchAt(pattern: RegExp, text: string, at: number): string | undefined {
  pattern.lastIndex = at;
  return pattern.exec(text)?.[0];
}
