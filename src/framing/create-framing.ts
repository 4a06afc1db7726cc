import { type FrameMode, frameModes, type FrameOptions } from "../frame-modes.ts";
import type { Framing, FramingOptions } from "./framing.ts";
import { createGwsocketFraming } from "./gwsocket.ts";
import { createJsonFraming } from "./json.ts";
import { createLinesFraming } from "./lines.ts";
import { createRawFraming } from "./raw.ts";
import { createStreamsFraming } from "./streams.ts";

const framings = {
  lines: createLinesFraming,
  raw: createRawFraming,
  streams: createStreamsFraming,
  json: createJsonFraming,
  gwsocket: createGwsocketFraming,
} as const satisfies Record<FrameMode, (options: FramingOptions) => Framing>;

/** Makes the framing that the options ask for, which may be another one for each direction. */
export function createFraming(options: FrameOptions & FramingOptions): Framing {
  const { toProcess, fromProcess } = frameModes(options);
  const framing = framings[toProcess](options);
  if (fromProcess === toProcess) return framing;
  const other = framings[fromProcess](options);
  return { encoder: framing.encoder, createDecoder: (sink) => other.createDecoder(sink) };
}
