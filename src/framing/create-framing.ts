import type { Framing, FramingLimits } from "./framing.ts";
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
} as const satisfies Record<string, (limits: FramingLimits) => Framing>;

export type FramingName = keyof typeof framings;

export function createFraming(name: FramingName, limits: FramingLimits): Framing {
  return framings[name](limits);
}
