import { expect, test } from "vitest";
import { boundedFetch, fetchFault } from "../../../src/access/bounded-fetch.ts";

async function faultOf(url: string): Promise<string> {
  return boundedFetch(url, {}, 1).then(() => "none", fetchFault);
}

test.each([
  ["a port that the fetch standard keeps everybody from", "http://127.0.0.1:6666/secret", "bad port"],
  ["a name that nobody has", "http://nobody.invalid/secret", /^(?:ENOTFOUND|EAI_AGAIN)$/],
])("a server that cannot be reached is said to be so, and why: %s", async (_case, url, reason) => {
  const [, said] = /^it cannot be reached: (.+)$/.exec(await faultOf(url)) ?? [];
  expect(said).toMatch(reason);
});
