import { everyone, type Framing, type FramingOptions } from "./framing.ts";
import { LineDecoder } from "./line-decoder.ts";
import { lineFormat } from "./line-format.ts";

/** The framing of filters: a line is a message, both ways (spec section 4). */
export function createLinesFraming(options: FramingOptions): Framing {
  const format = lineFormat(options);
  return {
    encoder: {
      encode(_connectionId, payload, _isBinary, out) {
        out.append(payload);
        out.push(format.delimiter);
        return undefined;
      },

      encodeNotice(_connectionId, text, out) {
        out.append(text);
        out.push(format.delimiter);
      },
    },

    createDecoder(sink) {
      const onLine = (bytes: Buffer, start: number, end: number, isText: boolean): void => {
        sink.onMessage(everyone, bytes, start, end, !isText);
      };
      return new LineDecoder(options.maxLineBytes, onLine, format);
    },
  };
}
