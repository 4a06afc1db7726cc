import type { MessageHandler } from "../client/client.ts";
import { NumberReader } from "../client/number-reader.ts";
import type { Ledger } from "./ledger.ts";
import type { Round } from "./round.ts";

/** Takes messages that begin with their number, for one client. */
export function countNumbered(ledger: Ledger, round: Round): MessageHandler {
  const numbers = new NumberReader();
  return (bytes, start, end) => {
    numbers.read(bytes, start, end);
    ledger.take(numbers.next(), end - start);
    round.add();
  };
}
