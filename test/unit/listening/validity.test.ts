import { expect, test } from "vitest";
import { warningOf } from "../../../src/listening/validity.ts";

const certificate = { validFrom: "Jan  1 00:00:00 2030 GMT", validTo: "Apr 11 00:00:00 2030 GMT" };

test.each([
  ["2029-12-31T23:59:59Z", "is not valid before Jan  1 00:00:00 2030 GMT"],
  ["2030-01-01T00:00:01Z", undefined],
  ["2030-03-31T23:59:59Z", undefined],
  ["2030-04-01T00:00:01Z", "ends soon, on Apr 11 00:00:00 2030 GMT"],
  ["2030-04-11T00:00:01Z", "ended on Apr 11 00:00:00 2030 GMT"],
])("at %s a certificate of hundred days has the warning %j", (now, warning) => {
  expect(warningOf(certificate, Date.parse(now))).toBe(warning);
});
