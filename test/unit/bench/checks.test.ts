import { describe, expect, test } from "vitest";
import { NumberReader } from "../../../bench/client/number-reader.ts";
import { Ledger } from "../../../bench/generator/ledger.ts";
import { Random } from "../../../bench/observed/random.ts";
import { StreamCheck } from "../../../bench/soak/stream-check.ts";

describe("numbers in a message", () => {
  test("come out one after the other, whatever stands between them", () => {
    const numbers = new NumberReader();
    const bytes = Buffer.from('99 {"id":7,"number":01234,"filler":"x"} 5');
    numbers.read(bytes, 3, bytes.length - 2);
    expect([numbers.next(), numbers.next(), numbers.next(), numbers.next()]).toEqual([7, 1234, -1, -1]);
  });
});

describe("the ledger of a client", () => {
  test("has no problem with all messages in order", () => {
    const ledger = new Ledger("client 1", 10);
    for (const number of [0, 1, 2]) ledger.take(number, 10);
    expect(ledger.problem(3)).toBeUndefined();
    expect(ledger.problem(4)).toBe("client 1 got 3 of 4 messages");
  });

  test.each([
    { what: "a gap", numbers: [0, 2, 3], problem: "client 1 got message 2 (10 bytes) where 1 (10 bytes) was due" },
    {
      what: "a message twice",
      numbers: [0, 0, 1],
      problem: "client 1 got message 0 (10 bytes) where 1 (10 bytes) was due",
    },
    {
      what: "a late beginning",
      numbers: [1, 2, 3],
      problem: "client 1 got message 1 (10 bytes) where 0 (10 bytes) was due",
    },
  ])("notes $what", ({ numbers, problem }) => {
    const ledger = new Ledger("client 1", 10);
    for (const number of numbers) ledger.take(number, 10);
    expect(ledger.problem(3)).toBe(problem);
  });

  test("notes a message of another size", () => {
    const ledger = new Ledger("client 1", 10);
    ledger.take(0, 9);
    expect(ledger.problem(1)).toBe("client 1 got message 0 (9 bytes) where 0 (10 bytes) was due");
  });
});

describe("the check of a stream", () => {
  test("begins where the client has joined, for each source", () => {
    const check = checkOf(["p 7 x", "c1 1", "p 8 x", "c1 2 x", "p 9 END"]);
    expect(check.problem).toBeUndefined();
    expect([check.lines, check.lastOf("p"), check.lastOf("c1"), check.lastOf("c2")]).toEqual([5, 9, 2, 0]);
    expect(check.isEnded).toBe(true);
  });

  test.each([
    { lines: ["p 7 x", "p 9 x"], problem: "line 9 of p came behind line 7" },
    { lines: ["p 7 x", "p 7 x"], problem: "line 7 of p came behind line 7" },
    { lines: ["c1 1 x", "c2 5 x", "c1 3 x", "c1 9 x"], problem: "line 3 of c1 came behind line 1" },
    { lines: ["hello"], problem: "a line reads hello" },
    { lines: ["p x"], problem: "a line reads p x" },
  ])("notes what is wrong in $lines", ({ lines, problem }) => {
    expect(checkOf(lines).problem).toBe(problem);
  });

  test("an end is one only while nothing follows", () => {
    expect(checkOf(["p 1 END", "p 2 x"]).isEnded).toBe(false);
  });
});

describe("random numbers", () => {
  test("are the same for the same seed", () => {
    expect(draw(1)).toEqual(draw(1));
    expect(draw(1)).not.toEqual(draw(2));
  });

  test("come as often as their weight says", () => {
    const random = new Random(1);
    const drawn = Array.from({ length: 1000 }, () =>
      random.pickWeighted<{ weight: number }>([{ weight: 9 }, { weight: 1 }]),
    );
    const heavy = drawn.filter(({ weight }) => weight === 9).length;
    expect(heavy).toBeGreaterThan(850);
    expect(heavy).toBeLessThan(950);
  });

  test("stay within their bounds", () => {
    const random = new Random(1);
    const drawn = new Set(Array.from({ length: 200 }, () => random.between(3, 5)));
    expect(drawn).toEqual(new Set([3, 4, 5]));
    expect(random.pick([])).toBeUndefined();
  });
});

function checkOf(lines: readonly string[]): StreamCheck {
  const check = new StreamCheck();
  // As in a larger buffer, with other things around.
  for (const line of lines) {
    const bytes = Buffer.from(`9 ${line} 8`);
    check.take(bytes, 2, bytes.length - 2);
  }
  return check;
}

function draw(seed: number): number[] {
  const random = new Random(seed);
  return Array.from({ length: 5 }, () => random.between(1, 1000));
}
