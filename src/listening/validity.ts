import type { X509Certificate } from "node:crypto";

/** Whoever renews certificates does so long before only this part of their time is left. */
const lastPart = 0.1;

type Times = Pick<X509Certificate, "validFrom" | "validTo">;

/** What is to be said of a certificate's time, behind its name; undefined where all is well. */
export function warningOf({ validFrom, validTo }: Times, nowMs: number): string | undefined {
  const [fromMs, toMs] = [Date.parse(validFrom), Date.parse(validTo)];
  if (nowMs > toMs) return `ended on ${validTo}`;
  if (nowMs < fromMs) return `is not valid before ${validFrom}`;
  return toMs - nowMs < (toMs - fromMs) * lastPart ? `ends soon, on ${validTo}` : undefined;
}
