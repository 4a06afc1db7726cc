import { RefusedError } from "./errors.ts";

const reservedNames = new Set(["api", "metrics", "health", "static", "upload", "robots.txt", "favicon.ico"]);

const maxNameLength = 128;
const marks = "-._~!$&()*+,;=:@";

/** What segments of paths may hold, for people. */
export const segmentCharacters = `letters, digits and ${marks}`;
/** The same, as the source of a pattern. */
export const segment = `[${marks}A-Za-z0-9]+`;
const allowed = new RegExp(`^${segment}$`);

/** Checks the first path segment below `basePath`, decoded. @throws RefusedError 400 that says what is wrong with it. */
export function checkRoomName(name: string, basePath: string): string {
  if (name === "") throw new RefusedError(400, `room name is missing: connect to ${basePath}/<room>`);
  const fault = roomNameFault(name);
  if (fault !== undefined) throw new RefusedError(400, `room name ${fault}`);
  return name;
}

/** What is wrong with a name, for people; undefined where a room can be called so. */
export function roomNameFault(name: string): string | undefined {
  if (name.length > maxNameLength) return `is longer than ${maxNameLength} characters`;
  if (!allowed.test(name)) return `may hold only ${segmentCharacters}`;
  if (name === "." || name === "..") return "must not be . or ..";
  if (reservedNames.has(name)) return `"${name}" is reserved`;
  return undefined;
}
