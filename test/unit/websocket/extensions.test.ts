import { describe, expect, test } from "vitest";
import { RefusedError } from "../../../src/errors.ts";
import { agreeOnExtension } from "../../../src/websocket/extensions.ts";

const agreed = "permessage-deflate; server_no_context_takeover; client_no_context_takeover";

describe("compression is agreed on", () => {
  test.each([
    "permessage-deflate",
    // What browsers offer.
    "permessage-deflate; client_max_window_bits",
    "permessage-deflate; client_max_window_bits=8",
    "permessage-deflate; client_max_window_bits=15",
    'permessage-deflate; client_max_window_bits="10"',
    "permessage-deflate; server_no_context_takeover; client_no_context_takeover",
    "x-webkit-deflate-frame, permessage-deflate",
    "foo; bar=1, permessage-deflate;client_max_window_bits , baz",
  ])("where the client offers %s", (header) => {
    expect(agreeOnExtension(header)).toBe(agreed);
  });

  test("with the window that the client asks for, where that is ours", () => {
    const answer = `${agreed}; server_max_window_bits=15`;
    expect(agreeOnExtension("permessage-deflate; server_max_window_bits=15")).toBe(answer);
  });

  test("by the first offer that is acceptable", () => {
    expect(agreeOnExtension("permessage-deflate; server_max_window_bits=10, permessage-deflate")).toBe(agreed);
    expect(agreeOnExtension("permessage-deflate; foo, permessage-deflate; server_max_window_bits=15, other")).toBe(
      `${agreed}; server_max_window_bits=15`,
    );
  });
});

describe("there is no compression", () => {
  test.each([
    [undefined],
    ["x-webkit-deflate-frame"],
    ["permessage-deflate2"],
    ["Permessage-Deflate-Not"],
    ["permessage-deflate; unknown"],
    ["permessage-deflate; toString"],
    ["permessage-deflate; __proto__"],
    ["permessage-deflate; server_max_window_bits"],
    ["permessage-deflate; server_max_window_bits=14"],
    ["permessage-deflate; server_max_window_bits=8"],
    ["permessage-deflate; server_max_window_bits=16"],
    ["permessage-deflate; server_max_window_bits=015"],
    ["permessage-deflate; client_max_window_bits=7"],
    ["permessage-deflate; client_max_window_bits=16"],
    ["permessage-deflate; client_max_window_bits=08"],
    ["permessage-deflate; client_max_window_bits=1e1"],
    ["permessage-deflate; client_no_context_takeover=1"],
    ["permessage-deflate; server_no_context_takeover=true"],
    ["permessage-deflate; client_max_window_bits; client_max_window_bits"],
    ["permessage-deflate; server_no_context_takeover; server_no_context_takeover"],
    ["permessage-deflate; unknown, permessage-deflate; server_max_window_bits=9"],
  ])("where the client offers %s", (header) => {
    expect(agreeOnExtension(header)).toBe(undefined);
  });
});

test.each([
  "",
  ",",
  ";",
  "permessage-deflate,",
  "permessage-deflate;",
  "permessage-deflate; =1",
  "permessage-deflate; a=",
  'permessage-deflate; client_max_window_bits="10',
  'permessage-deflate; client_max_window_bits="1 0"',
  "permessage deflate",
  "permessage-deflate; a b",
  "permessage@deflate",
])("a client that offers %s has written no list of extensions and is refused", (header) => {
  const refusal = (() => {
    try {
      return agreeOnExtension(header);
    } catch (error) {
      return error;
    }
  })();
  expect(refusal).toBeInstanceOf(RefusedError);
  expect((refusal as RefusedError).status).toBe(400);
});
