import { isUtf8 } from "node:buffer";
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { closeCodes, closeReason, isCodeForProcess } from "../../src/close-codes.ts";

/** What a close frame has room for behind its code (RFC 6455 section 5.5). */
const maxBytes = 123;

/** RFC 6455 section 7.4: 1005, 1006 and 1015 never stand in a frame; 4000 to 4999 are free for our own. */
function maySend(code: number): boolean {
  const isOfProtocol = code >= 1000 && code <= 1014 && ![1004, 1005, 1006].includes(code);
  return isOfProtocol || (code >= 4000 && code <= 4999);
}

test("every code may be sent by a server, and none stands for two things", () => {
  const codes = Object.values(closeCodes).map(({ code }) => code);
  expect(new Set(codes).size).toBe(codes.length);
  expect(codes.filter((code) => !maySend(code))).toEqual([]);
});

test("every code says when it is sent and whether to come back", () => {
  for (const { when, comeBack } of Object.values(closeCodes)) {
    expect(when).not.toBe("");
    expect(comeBack).toMatch(/^(Yes|No|Only)/);
  }
});

test("the codes that clients rely on are these", () => {
  const codes = Object.fromEntries(Object.entries(closeCodes).map(([name, { code }]) => [name, code]));
  expect(codes).toMatchObject({
    normal: 1000,
    goingAway: 1001,
    messageTooBig: 1009,
    processFailed: 1011,
    tooSlow: 4008,
  });
});

test("a reason that fits is sent as it is", () => {
  for (const text of ["", "process exited with code 3", "x".repeat(maxBytes), "é".repeat(61)]) {
    expect(closeReason(text)).toBe(text);
  }
});

test("a reason that is too long is cut to what fits", () => {
  expect(closeReason("x".repeat(maxBytes + 1))).toBe("x".repeat(maxBytes));
  expect(closeReason("x".repeat(10_000))).toBe("x".repeat(maxBytes));
});

test.each(["é", "€", "😀"])("a reason is never cut within a character such as %s", (character) => {
  const bytes = Buffer.byteLength(character);
  for (let before = maxBytes - bytes - 1; before <= maxBytes; before += 1) {
    const fitting = "x".repeat(before);
    const fits = before + bytes <= maxBytes;
    expect(closeReason(`${fitting}${character}${"y".repeat(maxBytes)}`).slice(0, before + character.length)).toBe(
      fits ? fitting + character : fitting,
    );
  }
});

test("any reason is cut to the longest beginning of it that fits and is UTF-8", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary", maxLength: 200 }), (text) => {
      const reason = closeReason(text);
      expect(text.startsWith(reason)).toBe(true);
      expect(Buffer.byteLength(reason)).toBeLessThanOrEqual(maxBytes);
      expect(isUtf8(Buffer.from(reason))).toBe(true);
      const [next] = text.slice(reason.length);
      if (next !== undefined) expect(Buffer.byteLength(reason + next)).toBeGreaterThan(maxBytes);
    }),
  );
});

test("a process may use those codes that are true of it, and those that are free for anyone", () => {
  const usable = Array.from({ length: 0x1_0000 }, (_each, code) => code).filter(isCodeForProcess);
  expect(usable.filter((code) => code < 3000)).toEqual([1000, 1008, 1011, 1012, 1013]);
  expect(usable.filter((code) => code >= 3000)).toEqual(Array.from({ length: 2000 }, (_each, index) => 3000 + index));
});
