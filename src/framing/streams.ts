import { type Decoder, everyone, type Framing, type FramingLimits, type MessageSink } from "./framing.ts";
import { LineDecoder } from "./line-decoder.ts";
import { createLinesFraming } from "./lines.ts";

/** Lines of stdout and stderr as messages that say which of the two it was: `{"stream":"stderr","data":"..."}`. */
export function createStreamsFraming(limits: FramingLimits): Framing {
  return {
    ...createLinesFraming(limits),
    createDecoder: (sink) => createTagger("stdout", limits, sink),
    createErrorDecoder: (sink) => createTagger("stderr", limits, sink),
  };
}

/** What is not UTF-8 becomes U+FFFD, since JSON cannot hold it. */
function createTagger(stream: "stdout" | "stderr", limits: FramingLimits, sink: MessageSink): Decoder {
  const head = `{"stream":"${stream}","data":`;
  return new LineDecoder(limits.maxLineBytes, (bytes, start, end) => {
    const message = Buffer.from(`${head}${JSON.stringify(bytes.toString("utf8", start, end))}}`);
    sink.onMessage(everyone, message, 0, message.length, false);
  });
}
