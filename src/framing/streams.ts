import { type Decoder, everyone, type Framing, type FramingOptions, type MessageSink } from "./framing.ts";
import { LineDecoder } from "./line-decoder.ts";
import { type LineFormat, lineFormat, newlineFormat } from "./line-format.ts";
import { createLinesFraming } from "./lines.ts";

/** Lines of stdout and stderr as messages that say which of the two it was: `{"stream":"stderr","data":"..."}`. */
export function createStreamsFraming(options: FramingOptions): Framing {
  return {
    ...createLinesFraming(options),
    createDecoder: (sink) => createTagger("stdout", options, lineFormat(options), sink),
    // Whatever ends its messages, a program complains in lines, and so does what it is made of.
    createErrorDecoder: (sink) => createTagger("stderr", options, newlineFormat, sink),
  };
}

/** What is not UTF-8 becomes U+FFFD, since JSON cannot hold it. */
function createTagger(
  stream: "stdout" | "stderr",
  { maxLineBytes }: FramingOptions,
  format: LineFormat,
  sink: MessageSink,
): Decoder {
  const head = `{"stream":"${stream}","data":`;
  const onLine = (bytes: Buffer, start: number, end: number): void => {
    const message = Buffer.from(`${head}${JSON.stringify(bytes.toString("utf8", start, end))}}`);
    sink.onMessage(everyone, message, 0, message.length, false);
  };
  return new LineDecoder(maxLineBytes, onLine, format);
}
