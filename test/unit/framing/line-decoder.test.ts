import { expect, test } from "vitest";
import { ServerError } from "../../../src/errors.ts";
import { LineDecoder } from "../../../src/framing/line-decoder.ts";
import { bytesOf, cutAt, feed, inSingleBytes } from "../../helpers/framing.ts";

/** The lines of an output, given in chunks: text as a string, anything else as bytes. */
function linesIn(chunks: readonly (Buffer | string)[], maxLineBytes = 1024): (Buffer | string)[] {
  const { lines, code } = read(chunks, maxLineBytes);
  expect(code).toBeUndefined();
  return lines;
}

function read(chunks: readonly (Buffer | string)[], maxLineBytes: number) {
  const lines: (Buffer | string)[] = [];
  const decoder = new LineDecoder(maxLineBytes, (bytes, start, end, isText) => {
    const line = bytes.subarray(start, end);
    lines.push(isText ? line.toString() : Buffer.from(line));
  });
  return { code: feed(decoder, chunks), lines };
}

test("each line comes out without its end", () => {
  expect(linesIn(["one\ntwo\r\nthree\n"])).toEqual(["one", "two", "three"]);
});

test("an empty line is a line", () => {
  expect(linesIn(["\n"])).toEqual([""]);
  expect(linesIn(["\n\n\r\na\n\n"])).toEqual(["", "", "", "a", ""]);
});

test("a last line without an end counts", () => {
  expect(linesIn(["one\ntwo"])).toEqual(["one", "two"]);
  expect(linesIn(["tw", "o"])).toEqual(["two"]);
});

test("nothing follows a last line that has its end", () => {
  expect(linesIn(["one\n"])).toEqual(["one"]);
  expect(linesIn(["one", "\n"])).toEqual(["one"]);
});

test("a line comes out when its end arrives and not before", () => {
  const lines: string[] = [];
  const decoder = new LineDecoder(100, (bytes, start, end) => lines.push(bytes.toString("utf8", start, end)));
  decoder.push(Buffer.from("one\ntw"));
  expect(lines).toEqual(["one"]);
  decoder.push(Buffer.from("o"));
  expect(lines).toEqual(["one"]);
  decoder.push(Buffer.from("\nthr"));
  expect(lines).toEqual(["one", "two"]);
  decoder.end();
  expect(lines).toEqual(["one", "two", "thr"]);
});

test("a lone carriage return ends no line and stays", () => {
  expect(linesIn(["a\rb\n"])).toEqual(["a\rb"]);
  expect(linesIn(["\ra\n"])).toEqual(["\ra"]);
  expect(linesIn(["a\r", "b\n"])).toEqual(["a\rb"]);
});

test("only one carriage return belongs to the end of a line", () => {
  expect(linesIn(["a\r\r\n"])).toEqual(["a\r"]);
  expect(linesIn(["\r\n"])).toEqual([""]);
});

test("a carriage return at the very end of the output stays, since no newline follows", () => {
  expect(linesIn(["a\r"])).toEqual(["a\r"]);
  expect(linesIn(["a\n\r"])).toEqual(["a", "\r"]);
});

test("a line's end that is cut between its two characters is still one end", () => {
  expect(linesIn(["a\r", "\nb\r", "\n"])).toEqual(["a", "b"]);
  expect(linesIn(["\r", "\n", "\r", "\n"])).toEqual(["", ""]);
});

test("a line that is cut inside a character comes out whole", () => {
  const whole = bytesOf("é€😀\n😀€é\n");
  for (let place = 1; place < whole.length; place += 1) {
    expect(linesIn(cutAt(whole, [place]))).toEqual(["é€😀", "😀€é"]);
  }
  expect(linesIn(inSingleBytes(whole))).toEqual(["é€😀", "😀€é"]);
});

test("all characters that other readers take for line ends stay in their line", () => {
  const line = "a\u000b\u000c\u001c\u0085\u2028\u2029b";
  expect(linesIn([`${line}\n`])).toEqual([line]);
});

test("a NUL and a byte order mark are text like any other", () => {
  expect(linesIn(["\u0000\n\ufeffa\n"])).toEqual(["\u0000", "\ufeffa"]);
});

test.each([
  ["a byte that never occurs", bytesOf("a", 0xff, "b")],
  ["a continuation without a start", bytesOf(0x80)],
  ["a character that its line cuts off", bytesOf("a", 0xe2, 0x82)],
  ["an overlong slash", bytesOf(0xc0, 0xaf)],
  ["half of a surrogate pair", bytesOf(0xed, 0xa0, 0x80)],
  ["a character beyond the last one", bytesOf(0xf4, 0x90, 0x80, 0x80)],
])("%s is no text, and its neighbours are", (_, line) => {
  const output = bytesOf("é\n", line, "\r\n", "€\n", line);
  const expected = ["é", line, "€", line];
  expect(linesIn([output])).toEqual(expected);
  expect(linesIn(inSingleBytes(output))).toEqual(expected);
});

test("two halves of a character on two lines do not make a text", () => {
  const output = bytesOf(0xc3, "\n", 0xa9, "\n");
  expect(linesIn([output])).toEqual([Buffer.of(0xc3), Buffer.of(0xa9)]);
});

test.each([
  { end: "\n", length: 10 },
  { end: "\r\n", length: 9 }, // A carriage return counts: only the newline tells that it belongs to the end.
  { end: "", length: 10 },
])("a line at exactly the limit comes out, one byte more is an error (end $end)", ({ end, length }) => {
  const longest = "x".repeat(length);
  const within = bytesOf(longest, end);
  const beyond = bytesOf("x", longest, end);
  for (const cut of [(bytes: Buffer) => [bytes], inSingleBytes, (bytes: Buffer) => cutAt(bytes, [5, 9, 10])]) {
    expect(linesIn(cut(within), 10)).toEqual([longest]);
    expect(read(cut(beyond), 10)).toEqual({ code: "ERR_OUTPUT", lines: [] });
  }
});

test("the limit is one for each line and not for the output", () => {
  expect(linesIn(["123\n456\n7", "89\n12", "3"], 3)).toEqual(["123", "456", "789", "123"]);
});

test("the lines before one that is too long come out", () => {
  expect(read(["a\nb\n1234\nc\n"], 3)).toEqual({ code: "ERR_OUTPUT", lines: ["a", "b"] });
  expect(read(["a\nb", "\n12", "34"], 3)).toEqual({ code: "ERR_OUTPUT", lines: ["a", "b"] });
});

test("a line that is too long is refused before its end comes, and says how long it may be", () => {
  const decoder = new LineDecoder(3, () => undefined);
  decoder.push(Buffer.from("12"));
  const push = () => decoder.push(Buffer.from("34"));
  expect(push).toThrow(ServerError);
  expect(push).toThrow("process wrote a line of more than 3 bytes");
});

test("a long line in single bytes costs no more than its length", { timeout: 10_000 }, () => {
  // Looking at the line from its start for each byte would be 10^12 steps and take minutes.
  const length = 1 << 20;
  const byte = Buffer.from("x");
  let longest = 0;
  const decoder = new LineDecoder(length, (_bytes, start, end) => {
    longest = Math.max(longest, end - start);
  });
  for (let count = 0; count < length; count += 1) decoder.push(byte);
  decoder.push(Buffer.from("\n"));
  expect(longest).toBe(length);
});

test("two hundred thousand lines in one go come out in order", () => {
  const count = 200_000;
  const output = Buffer.from(Array.from({ length: count }, (_, index) => `${index}\n`).join(""));
  let next = 0;
  const decoder = new LineDecoder(100, (bytes, start, end) => {
    if (Number(bytes.toString("latin1", start, end)) === next) next += 1;
  });
  for (let at = 0; at < output.length; at += 65_536) decoder.push(output.subarray(at, at + 65_536));
  decoder.end();
  expect(next).toBe(count);
});
