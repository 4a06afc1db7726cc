import { expect, test } from "vitest";
import { RefusedError } from "../../src/errors.ts";
import { checkRoomName } from "../../src/room-name.ts";

const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
const allowed = new Set(`${letters}0123456789-._~!$&()*+,;=:@`);

test("exactly the allowed characters can stand in a name", () => {
  const characters = Array.from({ length: 0x250 }, (_, code) => String.fromCharCode(code));
  const accepted = characters.filter((character) => refusalOf(`a${character}`) === undefined);

  expect(new Set(accepted)).toEqual(allowed);
});

test.each(["\u2028", "😀", "\ufeff", "\ud800", "ａ"])("%j cannot stand in a name", (character) => {
  expect(refusalOf(character)).toMatch(/^room name may hold only letters, digits and /);
});

test("a name is accepted as it is", () => {
  for (const character of allowed) if (character !== ".") expect(checkRoomName(character, "")).toBe(character);
  expect(checkRoomName([...allowed].join(""), "")).toBe([...allowed].join(""));
});

test("a name has 1 to 128 characters", () => {
  expect(refusalOf("")).toBe("room name is missing: connect to /<room>");
  expect(refusalOf("a")).toBe(undefined);
  expect(refusalOf("a".repeat(128))).toBe(undefined);
  expect(refusalOf("a".repeat(129))).toBe("room name is longer than 128 characters");
});

test("a name is not . or ..", () => {
  expect(refusalOf(".")).toBe("room name must not be . or ..");
  expect(refusalOf("..")).toBe("room name must not be . or ..");
  expect(refusalOf("...")).toBe(undefined);
  expect(refusalOf(".a")).toBe(undefined);
});

test.each(["api", "metrics", "health", "static", "upload", "robots.txt", "favicon.ico"])("%s is reserved", (name) => {
  expect(refusalOf(name)).toBe(`room name "${name}" is reserved`);
  expect(refusalOf(`${name}2`)).toBe(undefined);
  expect(refusalOf(name.toUpperCase())).toBe(undefined);
});

test.each(["__proto__", "constructor", "toString", "hasOwnProperty", "valueOf", "null", "undefined"])(
  "%s is a room like any other",
  (name) => {
    expect(checkRoomName(name, "")).toBe(name);
  },
);

/** The text of the refusal, which is a 400; undefined where the name is accepted. */
function refusalOf(name: string): string | undefined {
  try {
    checkRoomName(name, "");
    return undefined;
  } catch (error) {
    if (!(error instanceof RefusedError)) throw error;
    expect(error.status).toBe(400);
    return error.message;
  }
}
