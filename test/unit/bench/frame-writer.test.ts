import { expect, test } from "vitest";
import { clientFrame, clientFrames, frames } from "../../../bench/client/frame-writer.ts";

test.each([0, 1, 125, 126, 65_535, 65_536])("a message of %i bytes comes out as it went in", (size) => {
  const payload = Buffer.alloc(size, "0123456789");
  const messages = read(clientFrame(frames.binary, payload));
  expect(messages.map((message) => message.equals(payload))).toEqual([true]);
});

test("several messages stand one behind the other", () => {
  expect(read(clientFrames(frames.text, ["one", "", "three"])).map(String)).toEqual(["one", "", "three"]);
});

/** Reads masked frames, as RFC 6455 section 5.2 describes them. */
function read(bytes: Buffer): Buffer[] {
  const messages: Buffer[] = [];
  for (let at = 0; at < bytes.length;) {
    const mark = bytes.readUInt8(at + 1);
    expect(mark & 0x80).toBe(0x80);
    const [length, headerBytes] = lengthAt(bytes, at + 2, mark & 0x7f);
    const start = at + headerBytes + 4;
    const mask = bytes.subarray(start - 4, start);
    messages.push(
      Buffer.from(bytes.subarray(start, start + length).map((byte, index) => byte ^ mask.readUInt8(index % 4))),
    );
    at = start + length;
  }
  return messages;
}

function lengthAt(bytes: Buffer, at: number, mark: number): [length: number, headerBytes: number] {
  if (mark === 127) return [Number(bytes.readBigUInt64BE(at)), 10];
  return mark === 126 ? [bytes.readUInt16BE(at), 4] : [mark, 2];
}
