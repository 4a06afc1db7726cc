import { everyone, type Framing } from "./framing.ts";

/** No framing at all: bytes go through as they come, as binary messages (spec section 4, `--binary`). */
export function createRawFraming(): Framing {
  return {
    encoder: {
      encode(_connectionId, payload, _isBinary, out) {
        out.append(payload);
        return undefined;
      },

      encodeNotice(_connectionId, text, out) {
        out.append(text);
      },
    },

    createDecoder: (sink) => ({
      push: (chunk) => sink.onMessage(everyone, chunk, 0, chunk.length, true),
      end: () => undefined,
    }),
  };
}
