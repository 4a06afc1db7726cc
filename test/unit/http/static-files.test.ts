import { once } from "node:events";
import { writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, test } from "vitest";
import { Pace } from "../../../src/http/pace.ts";
import { StaticFiles } from "../../../src/http/static-files.ts";
import { tempFolder } from "../../helpers/temp-folder.ts";

class CountingPace extends Pace {
  begun = 0;

  override begin(action: () => void): void {
    this.begun += 1;
    super.begin(action);
  }
}

test("a file is looked for, and each piece of it read, when it is its turn", async () => {
  await using folder = await tempFolder();
  const pieces = 5;
  const bytes = Buffer.alloc(pieces * 64 * 1024, "x");
  writeFileSync(folder.at("file"), bytes);
  const pace = new CountingPace(1);
  const files = await StaticFiles.open(folder.path, pace);
  const http = createServer((request, response) => void files.serve(request, response, "/file")).listen(0, "127.0.0.1");
  await once(http, "listening");
  const response = await fetch(`http://127.0.0.1:${(http.address() as AddressInfo).port}/`);
  expect(Buffer.from(await response.arrayBuffer()).equals(bytes)).toBe(true);
  expect(pace.begun).toBeGreaterThanOrEqual(1 + pieces);
  http.close();
});
