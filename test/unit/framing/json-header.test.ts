import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createJsonFraming } from "../../../src/framing/json.ts";
import {
  bytesOf,
  cutAt,
  cutPlaces,
  decode,
  dropped,
  encode,
  framingOptions,
  type OutputEvent,
  text,
} from "../../helpers/framing.ts";

const framing = createJsonFraming(framingOptions({ cache: { kept: "tagged" } }));
/** The fields as version 0.2 of the original had them. */
const renamed = createJsonFraming(framingOptions({ fromField: "_from", toField: "_to" }));

const all = "all" as const;

function only(ids: readonly number[], line: string): OutputEvent {
  return { only: ids, text: line };
}

function except(ids: readonly number[], line: string): OutputEvent {
  return { except: ids, text: line };
}

function closed(ids: readonly number[] | "all", code: number, reason = ""): OutputEvent {
  return { closed: ids, code, reason };
}

/** What comes of one line, and of the same one with space between its tokens and its names in another spelling. */
function route(line: string, by = framing): OutputEvent {
  const [event, ...others] = decode(by, [`${line}\n`]);
  if (event === undefined || others.length > 0) throw new Error(`not one event: ${JSON.stringify([event, ...others])}`);
  return event;
}

describe("recipients", () => {
  test.each(["id", "_to"])("may be a list in %s", (field) => {
    for (const [list, ids] of [
      ["[3,7]", [3, 7]],
      ["[ 7 , 3 ]", [7, 3]],
      ["[3]", [3]],
      ["[3,3,7,3]", [3, 7]],
      ["[]", []],
      ["[1.0,4294967295]", [1, 0xffff_ffff]],
    ] as const) {
      const line = `{"a":1,"${field}":${list}}`;
      expect(route(line)).toEqual(only(ids, line));
    }
  });

  test("may be one client in _to", () => {
    expect(route(`{"_to":7}`)).toEqual(text(`{"_to":7}`, 7));
    expect(route(String.raw`{"_\u0074o":7}`)).toEqual(text(String.raw`{"_\u0074o":7}`, 7));
  });

  test("may be all but one, or all but those of a list", () => {
    expect(route(`{"_except":7}`)).toEqual(except([7], `{"_except":7}`));
    expect(route(`{"_except":[7,8,7]}`)).toEqual(except([7, 8], `{"_except":[7,8,7]}`));
    expect(route(`{"_except":[]}`)).toEqual(text(`{"_except":[]}`));
    expect(route(String.raw`{"_\u0065xcept":7}`)).toEqual(except([7], String.raw`{"_\u0065xcept":7}`));
  });

  test("are everyone where all fields of them are null", () => {
    for (const line of [`{"_to":null}`, `{"_except":null}`, `{"id":null,"_to":null,"_except":null}`]) {
      expect(route(line)).toEqual(text(line));
    }
    expect(route(`{"id":null,"_to":[3],"_except":null}`)).toEqual(only([3], `{"id":null,"_to":[3],"_except":null}`));
  });

  test.each([
    `{"_to":"3"}`,
    `{"_to":0}`,
    `{"_to":{}}`,
    `{"_to":true}`,
    `{"_to":[3,0]}`,
    `{"_to":[3,"7"]}`,
    `{"_to":[3,null]}`,
    `{"_to":[3,[7]]}`,
    `{"_to":[{}]}`,
    `{"_except":"7"}`,
    `{"_except":0}`,
    `{"_except":-1}`,
    `{"_except":1.5}`,
    `{"_except":false}`,
    `{"_except":[true]}`,
  ])("of another kind are nobody: %s", (line) => {
    expect(route(line)).toEqual(dropped("invalid_id"));
  });

  test.each([
    `{"id":1,"_to":[2]}`,
    `{"id":1,"_except":2}`,
    `{"_to":[2],"_except":3}`,
    `{"_to":[2],"_to":[2]}`,
    `{"_except":2,"_except":2}`,
    `{"_except":2,"_except":null}`,
    String.raw`{"_to":2,"_t\u006f":3}`,
  ])("that are told in two ways are nobody, since none is sure to be meant: %s", (line) => {
    expect(route(line)).toEqual(dropped("invalid_id"));
  });

  test("of a line that is no UTF-8 get it as a binary message", () => {
    const line = bytesOf(`{"_to":[3],"a":"`, 0xff, `"}`);
    expect(decode(framing, [bytesOf(line, "\n")])).toEqual([only([3], line.toString("hex"))]);
  });

  test("are not read from within another object, or from a line that is none", () => {
    for (const line of [`{"a":{"_to":[3]}}`, `[{"_except":3}]`, `{"_to":[3]`, `{"_except":3} x`]) {
      expect(route(line)).toEqual(text(line));
    }
  });
});

describe("closing", () => {
  test.each([1000, 1008, 1011, 1012, 1013, 3000, 4001, 4999])("is asked for with the code %i", (code) => {
    expect(route(`{"id":7,"_close":${code}}`)).toEqual(closed([7], code));
    expect(route(`{"_close":${code}}`)).toEqual(closed(all, code));
  });

  test.each([
    "0",
    "999",
    "1001",
    "1005",
    "1006",
    "1007",
    "1009",
    "1010",
    "1014",
    "1015",
    "2999",
    "5000",
    "1000.5",
    "-1000",
    "1e9",
    `"4001"`,
    "true",
    "[4001]",
    "{}",
  ])("with %s is not possible", (code) => {
    expect(route(`{"id":7,"_close":${code}}`)).toEqual(dropped("invalid_close"));
  });

  test("has the reason that stands beside the code", () => {
    expect(route(`{"id":7,"_close":4001,"_reason":"kicked"}`)).toEqual(closed([7], 4001, "kicked"));
    expect(route(String.raw`{"_reason":"\u00e9\n\"","_close":4001}`)).toEqual(closed(all, 4001, 'é\n"'));
    expect(route(String.raw`{"_clos\u0065":4001,"_r\u0065ason":"x"}`)).toEqual(closed(all, 4001, "x"));
    expect(route(`{"_close":4001,"_reason":null}`)).toEqual(closed(all, 4001));
  });

  test("cuts a reason to 123 bytes at a character's border", () => {
    expect(route(`{"_close":4001,"_reason":"${"x".repeat(124)}"}`)).toEqual(closed(all, 4001, "x".repeat(123)));
    expect(route(`{"_close":4001,"_reason":"${"é".repeat(62)}"}`)).toEqual(closed(all, 4001, "é".repeat(61)));
  });

  test.each([
    `{"_close":4001,"_reason":1}`,
    `{"_close":4001,"_reason":["x"]}`,
    `{"_close":4001,"_close":4001}`,
    `{"_close":4001,"_close":null}`,
    `{"_close":4001,"_reason":"a","_reason":"b"}`,
  ])("is not done where it is not sure how: %s", (line) => {
    expect(route(line)).toEqual(dropped("invalid_close"));
  });

  test("is done to the recipients, however these are told", () => {
    expect(route(`{"_to":[3,7],"_close":4001}`)).toEqual(closed([3, 7], 4001));
    expect(route(`{"_close":4001,"_except":7}`)).toEqual({ closedExcept: [7], code: 4001, reason: "" });
    expect(route(`{"_close":4001,"id":"7"}`)).toEqual(dropped("invalid_id"));
  });

  test("is not asked for by null, or by a reason alone", () => {
    expect(route(`{"_close":null,"a":1}`)).toEqual(text(`{"_close":null,"a":1}`));
    expect(route(`{"_reason":5,"id":3}`)).toEqual(text(`{"_reason":5,"id":3}`, 3));
  });

  test("does not carry over to the next message", () => {
    const output = `{"id":7,"_close":4001,"_reason":"kicked"}\n{"_to":[1]}\n{"id":2}\n{"_close":4002}\n{"_except":3}\n{}\n`;
    expect(decode(framing, [output])).toEqual([
      closed([7], 4001, "kicked"),
      only([1], `{"_to":[1]}`),
      text(`{"id":2}`, 2),
      closed(all, 4002),
      except([3], `{"_except":3}`),
      text("{}"),
    ]);
  });

  test("is nothing that a client's own words can ask for when they are written back", () => {
    for (const by of [framing, renamed]) {
      const [line = ""] = encode(by, 7, `{"_close":4001,"_reason":"bye"}`).toString().split("\n");
      const [event] = decode(by, [`${line}\n`]);
      // Where the process reads and routes by the same field, the client closes itself at most.
      expect(event).toEqual(by === framing ? closed([7], 4001, "bye") : text(line));
    }
  });
});

describe("metadata", () => {
  test.each([
    [`{"_meta":true,"topic":"x"}`, `{"topic":"x"}`],
    [`{"topic":"x","_meta":true}`, `{"topic":"x"}`],
    [`{"a":1, "_meta" : true , "b":2}`, `{"a":1,  "b":2}`],
    [` {"_meta":true} `, "{}"],
    [`{"_meta":true,"_meta":true,"a":12345678901234567890}`, `{"a":12345678901234567890}`],
    [String.raw`{"_m\u0065ta":true,"a":{"_meta":1}}`, `{"a":{"_meta":1}}`],
    [`{"_meta":true,"id":"x","_close":1}`, `{"id":"x","_close":1}`],
  ])("is what %s says, without that field", (line, metadata) => {
    expect(route(line)).toEqual({ metadata });
  });

  test.each(["false", "null", "1", `"true"`, "{}", "[true]"])("is not meant by %s", (value) => {
    expect(route(`{"_meta":${value}}`)).toEqual(text(`{"_meta":${value}}`));
  });

  test("that is no UTF-8 is dropped", () => {
    expect(decode(framing, [bytesOf(`{"_meta":true,"a":"`, 0xff, `"}\n`)])).toEqual([dropped("invalid_utf8")]);
  });
});

describe("tags", () => {
  test("mark messages for everyone", () => {
    expect(route(`{"_cache":true}`)).toEqual({ tagged: `{"_cache":true}` });
    expect(route(String.raw`{"_c\u0061che":true,"id":null}`)).toEqual({
      tagged: String.raw`{"_c\u0061che":true,"id":null}`,
    });
  });

  test("mean nothing in messages for some", () => {
    expect(route(`{"_cache":true,"id":3}`)).toEqual(text(`{"_cache":true,"id":3}`, 3));
    expect(route(`{"_cache":true,"_to":[3]}`)).toEqual(only([3], `{"_cache":true,"_to":[3]}`));
    expect(route(`{"_cache":true,"_except":3}`)).toEqual(except([3], `{"_cache":true,"_except":3}`));
  });

  test.each(["false", "null", "1", `"true"`])("are not made by %s", (value) => {
    expect(route(`{"_cache":${value}}`)).toEqual(text(`{"_cache":${value}}`));
  });

  test("are not looked for where nobody asked for them", () => {
    expect(route(`{"_cache":true}`, renamed)).toEqual(text(`{"_cache":true}`));
  });
});

describe("fields with other names", () => {
  test("tell the process who sent a message, whatever the client wrote under that name", () => {
    for (const key of [`"_from"`, String.raw`"\u005ffrom"`, String.raw`"_fro\u006d"`]) {
      expect(encode(renamed, 7, `{${key}:1,"a":2,${key}:3}`).toString()).toBe(`{"_from":7,"a":2}\n`);
    }
  });

  test("leave the others to the client", () => {
    expect(encode(renamed, 7, `{"id":1,"_to":2}`).toString()).toBe(`{"_from":7,"id":1,"_to":2}\n`);
  });

  test("route what the process writes, also where it writes back what a client said", () => {
    expect(route(`{"_to":3}`, renamed)).toEqual(text(`{"_to":3}`, 3));
    expect(route(`{"_to":[3]}`, renamed)).toEqual(only([3], `{"_to":[3]}`));
    expect(route(`{"_from":7,"_to":3}`, renamed)).toEqual(text(`{"_from":7,"_to":3}`, 3));
    expect(route(`{"id":3}`, renamed)).toEqual(text(`{"id":3}`));
    expect(route(`{"_to":"3"}`, renamed)).toEqual(dropped("invalid_id"));
  });

  test("may be the same name for both", () => {
    const both = createJsonFraming(framingOptions({ fromField: "user", toField: "user" }));
    expect(encode(both, 7, `{"user":1,"id":2}`).toString()).toBe(`{"user":7,"id":2}\n`);
    expect(route(`{"user":7,"_close":4001}`, both)).toEqual(closed([7], 4001));
    expect(route(`{"id":7}`, both)).toEqual(text(`{"id":7}`));
  });
});

describe("any output", () => {
  const piece = fc.constantFrom(
    `{"id":1}`,
    `{"_to":[1,2]}`,
    `{"_except":2}`,
    `{"id":3,"_close":4001,"_reason":"é"}`,
    `{"_close":1000}`,
    `{"_meta":true,"a":"é"}`,
    `{"_cache":true}`,
    String.raw`{"_\u0074o":4}`,
    `{"_to":"x"}`,
    `{"_close":1}`,
    `{"type_of":"_to","grid":"void","_id":1}`,
    `_to"`,
    `{}`,
    "",
  );

  test("has the same messages, closes and recipients, however it is cut", () => {
    fc.assert(
      fc.property(fc.array(piece, { minLength: 1, maxLength: 12 }), cutPlaces, (lines, places) => {
        const output = Buffer.from(lines.map((line) => `${line}\n`).join(""));
        const expected = lines.flatMap((line) => decode(framing, [`${line}\n`]));
        expect(decode(framing, [output])).toEqual(expected);
        expect(decode(framing, cutAt(output, places))).toEqual(expected);
      }),
      { numRuns: 300 },
    );
  });
});

test("lists and keys of any length take time in proportion", { timeout: 10_000 }, () => {
  const roomy = createJsonFraming(framingOptions({ maxLineBytes: 1 << 26 }));
  const ids = Array.from({ length: 300_000 }, (_each, index) => index + 1);
  const [event] = decode(roomy, [`{"_to":[${ids.join(",")}]}\n`]);
  expect(event).toMatchObject({ only: { length: ids.length } });
  expect(decode(roomy, [`{${`"id":1,`.repeat(300_000)}"id":1}\n`])).toEqual([dropped("invalid_id")]);
});
