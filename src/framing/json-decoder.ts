import { ByteWriter } from "./byte-writer.ts";
import { type Decoder, everyone, type FramingOptions, type MessageSink } from "./framing.ts";
import { jsonFields } from "../json-fields.ts";
import { JsonHeader } from "./json-header.ts";
import { KeySearch } from "./key-search.ts";
import { LineDecoder } from "./line-decoder.ts";
import type { LineFormat } from "./line-format.ts";
import { ObjectScanner } from "./object-scanner.ts";
import { appendOtherMembers } from "./other-members.ts";

/** Finds out what each line of the process is for. Only what can hold a field of the header is looked at more closely. */
export class JsonDecoder implements Decoder {
  readonly #sink: MessageSink;
  readonly #lines: LineDecoder;
  readonly #keys: KeySearch;
  readonly #header: JsonHeader;
  readonly #scanner: ObjectScanner;

  constructor(options: FramingOptions, format: LineFormat, sink: MessageSink) {
    this.#sink = sink;
    this.#header = new JsonHeader(options);
    this.#scanner = new ObjectScanner(this.#header.names);
    this.#keys = new KeySearch(this.#header.telling);
    const onLine = (bytes: Buffer, start: number, end: number, isText: boolean): void => {
      const isPlain = !this.#keys.isWithin(bytes, start, end) || !this.#scanner.scan(bytes, start, end);
      if (isPlain) this.#sink.onMessage(everyone, bytes, start, end, !isText);
      else this.#route(bytes, start, end, isText);
    };
    this.#lines = new LineDecoder(options.maxLineBytes, onLine, format);
  }

  get hasLine(): boolean {
    return this.#lines.hasLine;
  }

  push(chunk: Buffer): void {
    this.#lines.push(chunk);
    this.#keys.forget();
  }

  end(): void {
    this.#lines.end();
  }

  #route(bytes: Buffer, start: number, end: number, isText: boolean): void {
    const header = this.#header;
    const fault = header.read(bytes, this.#scanner.found);
    if (header.isMetadata) this.#setMetadata(bytes, start, end, isText);
    else if (fault !== undefined) this.#sink.onDrop(fault);
    else if (header.closeCode !== undefined)
      this.#sink.onClose(header.recipients, header.closeCode, header.closeReason);
    else if (header.recipient === undefined) this.#sink.onMessageTo(header.recipients, bytes, start, end, !isText);
    else if (header.isTagged) this.#sink.onTaggedMessage(bytes, start, end, !isText);
    else this.#sink.onMessage(header.recipient, bytes, start, end, !isText);
  }

  #setMetadata(bytes: Buffer, start: number, end: number, isText: boolean): void {
    if (!isText) {
      this.#sink.onDrop("invalid_utf8");
      return;
    }
    const scanner = new ObjectScanner([jsonFields.metadata]);
    scanner.scan(bytes, start, end);
    const out = new ByteWriter();
    out.append(bytes, start, scanner.bodyStart);
    appendOtherMembers(scanner, bytes, end, out);
    this.#sink.onMetadata(out.take().toString().trim());
  }
}
