import { expect, test } from "vitest";
import { frameModes, type FrameOptions } from "../../../src/frame-modes.ts";
import { createFraming } from "../../../src/framing/create-framing.ts";
import { decode, encode, encodeNotice, framingOptions, gwsocketMessage, text } from "../../helpers/framing.ts";

const none: FrameOptions = {
  binary: false,
  frame: undefined,
  clientFrame: undefined,
  serverFrame: undefined,
  stderr: "inherit",
};

test.each<[Partial<FrameOptions>, string, string]>([
  [{}, "lines", "lines"],
  [{ binary: true }, "raw", "raw"],
  [{ frame: "json" }, "json", "json"],
  [{ frame: "binary" }, "gwsocket", "gwsocket"],
  [{ stderr: "log" }, "lines", "lines"],
  [{ stderr: "clients" }, "streams", "streams"],
  [{ clientFrame: "json" }, "json", "lines"],
  [{ serverFrame: "json" }, "lines", "json"],
  [{ clientFrame: "binary", serverFrame: "json" }, "gwsocket", "json"],
  [{ clientFrame: "lines", serverFrame: "binary" }, "lines", "gwsocket"],
])("%j makes the framing to the process %s and that from it %s", (given, toProcess, fromProcess) => {
  expect(frameModes({ ...none, ...given })).toEqual({ toProcess, fromProcess });
});

test("each direction has its own framing", () => {
  const framing = createFraming({ ...none, ...framingOptions(), clientFrame: "json", serverFrame: "binary" });
  expect(encode(framing, 7, `{"a":1}`).toString()).toBe(`{"id":7,"a":1}\n`);
  expect(encodeNotice(framing, 7, "joined").toString()).toBe("joined\n");
  expect(decode(framing, [gwsocketMessage(3, 1, "hi")])).toEqual([text("hi", 3)]);
});
