import * as fc from "fast-check";
import { expect, test } from "vitest";
import { ByteWriter } from "../../../src/framing/byte-writer.ts";

function bytesUpTo(maxLength: number): fc.Arbitrary<Buffer> {
  return fc.uint8Array({ maxLength }).map((bytes) => Buffer.from(bytes));
}

test("a new writer holds nothing", () => {
  const writer = new ByteWriter();
  expect(writer.length).toBe(0);
  expect(writer.take()).toEqual(Buffer.alloc(0));
});

test("what is appended and pushed comes out in order", () => {
  const step = fc.oneof(
    bytesUpTo(40),
    bytesUpTo(1000),
    fc.nat({ max: 255 }),
    fc.constantFrom(...[15, 16, 17, 256].map((length) => Buffer.alloc(length, "x"))),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 20 }), (steps) => {
      const writer = new ByteWriter();
      for (const each of steps) {
        if (typeof each === "number") writer.push(each);
        else writer.append(each);
      }
      const expected = Buffer.concat(steps.map((each) => (typeof each === "number" ? Buffer.of(each) : each)));
      expect(writer.length).toBe(expected.length);
      expect(writer.take().toString("hex")).toBe(expected.toString("hex"));
    }),
  );
});

test("a part of a buffer is appended without its surroundings, short or long", () => {
  fc.assert(
    fc.property(bytesUpTo(60), fc.nat({ max: 60 }), fc.nat({ max: 60 }), (source, a, b) => {
      const start = Math.min(a, b, source.length);
      const end = Math.min(Math.max(a, b), source.length);
      const writer = new ByteWriter();
      writer.push(0x3c);
      writer.append(source, start, end);
      writer.push(0x3e);
      expect(writer.take().toString("latin1")).toBe(`<${source.toString("latin1", start, end)}>`);
    }),
  );
});

test("a part starts at its offset and reaches to the end when no end is given", () => {
  const writer = new ByteWriter();
  writer.append(Buffer.from("0123456789"), 7);
  expect(writer.take().toString()).toBe("789");
});

test("numbers are written as decimal digits, up to the largest safe one", () => {
  const edges = [0, 1, 9, 10, 99, 100, 4_294_967_295, 99_999_999_999, Number.MAX_SAFE_INTEGER];
  const number = fc.oneof(fc.constantFrom(...edges), fc.maxSafeNat());
  fc.assert(
    fc.property(fc.array(number), (numbers) => {
      const writer = new ByteWriter();
      for (const each of numbers) {
        writer.push(0x2c);
        writer.appendDecimal(each);
      }
      expect(writer.take().toString()).toBe(numbers.map((each) => `,${each}`).join(""));
    }),
  );
  const writer = new ByteWriter();
  for (const edge of edges) writer.appendDecimal(edge);
  expect(writer.take().toString()).toBe(edges.join(""));
});

test("what was reserved can be written in place", () => {
  const writer = new ByteWriter();
  writer.append(Buffer.from("ab"));
  writer.reserve(1000);
  expect(writer.bytes.length).toBeGreaterThanOrEqual(1002);
  writer.bytes.write("cd", writer.length);
  writer.length += 2;
  writer.append(Buffer.from("ef"));
  expect(writer.take().toString()).toBe("abcdef");
});

test("reserving what fits already moves nothing", () => {
  const writer = new ByteWriter();
  writer.reserve(100);
  const { bytes } = writer;
  writer.reserve(100);
  writer.append(Buffer.alloc(50));
  writer.reserve(50);
  expect(writer.bytes).toBe(bytes);
});

test("many small appends cost few moves", () => {
  const writer = new ByteWriter();
  const memory = new Set<Buffer>();
  for (let count = 0; count < 100_000; count += 1) {
    writer.push(0x78);
    memory.add(writer.bytes);
  }
  expect(memory.size).toBeLessThan(20);
});

test("what was taken is never touched again, and the writer starts anew", () => {
  const writer = new ByteWriter();
  writer.append(Buffer.from("first"));
  const first = writer.take();
  expect(writer.length).toBe(0);
  writer.append(Buffer.from("second"));
  const second = writer.take();
  expect(first.toString()).toBe("first");
  expect(second.toString()).toBe("second");
  expect(writer.take()).toHaveLength(0);
});
