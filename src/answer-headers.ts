/** A header that is put on answers. */
export interface Header {
  readonly name: string;
  readonly value: string;
}

/** What an answer says of itself and its connection: set for all of them, it would be wrong for most. */
const ownNames = new Set([
  "allow",
  "connection",
  "content-encoding",
  "content-length",
  "content-range",
  "content-type",
  "date",
  "etag",
  "keep-alive",
  "last-modified",
  "location",
  "proxy-connection",
  "retry-after",
  "te",
  "trailer",
  "transfer-encoding",
  "upgrade",
]);

/** Whether a header may be the same on all answers. */
export function isForAllAnswers(name: string): boolean {
  const lowerCase = name.toLowerCase();
  return !ownNames.has(lowerCase) && !lowerCase.startsWith("sec-websocket-");
}

/** The lines of an answer's own headers and of those for all answers, which take the place of own ones of their name. */
export function headerLines(own: Readonly<Record<string, string>>, forAll: readonly Header[]): string {
  const taken = new Set(forAll.map(({ name }) => name.toLowerCase()));
  const kept = Object.entries(own).filter(([name]) => !taken.has(name.toLowerCase()));
  const all = [...kept, ...forAll.map(({ name, value }) => [name, value] as const)];
  return all.map(([name, value]) => `${name}: ${value}\r\n`).join("");
}
