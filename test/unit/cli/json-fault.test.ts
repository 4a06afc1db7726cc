import * as fc from "fast-check";
import { expect, test } from "vitest";
import { findJsonFault } from "../../../src/cli/json-fault.ts";

test.each([
  ["", 0, "expected a value"],
  [" \n", 2, "expected a value"],
  ['{"a": }', 6, "expected a value"],
  ['{"a": x}', 6, "expected a value"],
  ['{"a": 01}', 6, "expected a value"],
  ['{"a": truely}', 6, "expected a value"],
  ['{"a" 1}', 5, "expected :"],
  ['{"a": 1 "b": 2}', 8, "expected , or }"],
  ['{"a": 1,}', 8, "expected a key in double quotes"],
  ["{a: 1}", 1, "expected a key in double quotes or }"],
  ['{"a": [1 2]}', 9, "expected , or ]"],
  ['{"a": [1,]}', 9, "expected a value"],
  ['{"a": [}', 7, "expected a value or ]"],
  ['{"a": "\n"}', 6, "expected a value"],
  ['{"a": 1', 7, "expected , or }"],
  ["{} {}", 3, "expected the end"],
  ['{"a": 1, "b": {"a": 2}, "\\u0061": 3}', 24, '"\\u0061" is there twice'],
])("in %j the fault is at %i", (text, offset, message) => {
  expect(findJsonFault(text)).toEqual({ offset, message });
});

test("keys of inner objects may come again, and __proto__ is a key like any other", () => {
  expect(findJsonFault('{"a": {"b": 1, "b": 2}, "b": [{"a": 1}], "__proto__": 1, "constructor": 2}')).toBe(undefined);
});

test("of two faults the first one is told", () => {
  expect(findJsonFault('{"a": 1, "a": 2, "b"}')).toEqual({ offset: 9, message: '"a" is there twice' });
  expect(findJsonFault('{"a": 1, "b" 2, "a": 3}')).toEqual({ offset: 13, message: "expected :" });
});

test("deep nesting is no trouble", () => {
  expect(findJsonFault("[".repeat(100_000))?.offset).toBe(100_000);
  expect(findJsonFault("[".repeat(100_000) + "]".repeat(100_000))).toBe(undefined);
});

test("what JSON.parse takes has no fault, whatever it is, and what it refuses has one", () => {
  const cut = fc.tuple(fc.json(), fc.nat(), fc.constantFrom("", ",", "}", "]", '"', "1", ":", "\\", "nul"));
  const texts = cut.map(([json, at, extra]) => json.slice(0, at % (json.length + 1)) + extra + json.slice(at % 7));
  fc.assert(
    fc.property(fc.oneof(fc.json(), texts), (text) => {
      const fault = findJsonFault(text);
      // The first fault counts: behind a key that is there twice there may be another one, or none.
      if (fault?.message.endsWith("is there twice")) return;
      expect(fault === undefined).toBe(isJson(text));
    }),
    { numRuns: 500 },
  );
});

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
