import { expect, test } from "vitest";
import { KeySearch } from "../../../src/framing/key-search.ts";

test("a buffer that was forgotten is searched anew: its bytes may be others by then", () => {
  const search = new KeySearch(["id"]);
  const bytes = Buffer.from('{"name":1}');
  expect(search.isWithin(bytes, 0, bytes.length)).toBe(false);
  search.forget();
  bytes.write('{"id":2}  ');
  expect(search.isWithin(bytes, 0, bytes.length)).toBe(true);
});
