import { expect, test } from "vitest";
import { RefusedError } from "../../../src/errors.ts";
import { ConnectionIds } from "../../../src/http/connection-ids.ts";

test("ids begin with 1, and each is another one", () => {
  const ids = new ConnectionIds();
  expect([ids.next(), ids.next(), ids.next()]).toEqual([1, 2, 3]);
});

test("the last one has 32 bits, and none is used again behind it", () => {
  const ids = new ConnectionIds(2 ** 32 - 2);
  expect(ids.next()).toBe(4_294_967_295);
  for (let tried = 0; tried < 2; tried += 1) {
    expect(() => ids.next()).toThrow(RefusedError);
    expect(() => ids.next()).toThrow("server is out of client ids");
  }
});
