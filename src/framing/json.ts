import type { Framing, FramingOptions } from "./framing.ts";
import { JsonDecoder } from "./json-decoder.ts";
import { JsonEncoder } from "./json-encoder.ts";
import { lineFormat } from "./line-format.ts";

/** JSON objects on lines: the process reads who sent a message in one field, and routes with another (spec section 5). */
export function createJsonFraming(options: FramingOptions): Framing {
  const format = lineFormat(options);
  return {
    encoder: new JsonEncoder(options.fromField, format),
    createDecoder: (sink) => new JsonDecoder(options, format, sink),
  };
}
