import type { ByteWriter } from "./byte-writer.ts";
import type { ObjectScanner } from "./object-scanner.ts";

const closeBrace = 0x7d;

/** Appends what stands behind the opening brace of the object that was scanned, up to `end`, without what was found. */
export function appendOtherMembers(scanner: ObjectScanner, bytes: Buffer, end: number, out: ByteWriter): void {
  if (scanner.otherCount === 0) {
    out.push(closeBrace);
    return;
  }
  // Where the last member goes, the comma behind the last one that stays goes too.
  const last = scanner.found.at(-1);
  const tail = last?.nextStart === -1 ? last : undefined;
  const bodyEnd = tail === undefined ? end : scanner.lastOtherComma;
  let from = scanner.bodyStart;
  for (const member of scanner.found) {
    if (member.keyStart >= bodyEnd) break;
    out.append(bytes, from, member.keyStart);
    from = member.nextStart;
  }
  out.append(bytes, from, bodyEnd);
  if (tail !== undefined) out.append(bytes, tail.valueEnd, end);
}
