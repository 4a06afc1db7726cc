import { everyone, type Framing, type FramingLimits } from "./framing.ts";
import { LineDecoder } from "./line-decoder.ts";

const newline = 0x0a;

/** The framing of filters: a line is a message, both ways (spec section 4). */
export function createLinesFraming(limits: FramingLimits): Framing {
  return {
    createDecoder: (sink) =>
      new LineDecoder(limits.maxLineBytes, (bytes, start, end, isText) => {
        sink.onMessage(everyone, bytes, start, end, !isText);
      }),

    encode(_connectionId, payload, _isBinary, out) {
      out.append(payload);
      out.push(newline);
      return undefined;
    },

    encodeNotice(_connectionId, text, out) {
      out.append(text);
      out.push(newline);
    },
  };
}
