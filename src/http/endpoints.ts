import type { Purpose } from "../listening/place.ts";

/** What can be asked for over HTTP. */
export type Endpoint = "health" | "metrics" | "api" | "stats" | "files";

const forOperators: readonly Endpoint[] = ["health", "metrics", "api", "stats"];

/** What there is at an address: what operators ask for is only where they have one of their own. */
export function endpointsAt(purpose: Exclude<Purpose, "redirect">, hasAdmin: boolean): ReadonlySet<Endpoint> {
  if (purpose === "admin") return new Set(forOperators);
  return new Set<Endpoint>(hasAdmin ? ["files"] : ["files", ...forOperators]);
}
