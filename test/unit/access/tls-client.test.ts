import { expect, test } from "vitest";
import { toDistinguishedName } from "../../../src/access/tls-client.ts";

test.each([
  ["", ""],
  ["CN=a", "CN=a"],
  ["C=DE\nO=Example\nCN=a", "CN=a,O=Example,C=DE"],
  ["O=Example\nOU=A + CN=a", "OU=A+CN=a,O=Example"],
  [String.raw`O=A \+ B\, Inc.`, String.raw`O=A \+ B\, Inc.`],
  [String.raw`CN=two\0Alines`, String.raw`CN=two\0Alines`],
])("the subject %j is the name %j", (lines, name) => {
  expect(toDistinguishedName(lines)).toBe(name);
});
