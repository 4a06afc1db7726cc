/** Words of PromQL that are neither metrics nor functions. */
const keywords = new Set(["and", "or", "unless", "on", "ignoring", "group_left", "group_right", "bool", "offset"]);
const aggregations = new Set(["sum", "min", "max", "avg", "count", "topk", "bottomk", "quantile"]);
const text = /"(?:[^"\\]|\\.)*"/g;
const labelList = /\b(?:by|without|on|ignoring|group_left|group_right)\s*\(([^)]*)\)/g;

/** The metrics and labels that a query names. */
export interface QueryNames {
  readonly metrics: ReadonlySet<string>;
  readonly labels: ReadonlySet<string>;
}

export function namesIn(query: string): QueryNames {
  const labels = new Set<string>();
  const bare = query
    .replaceAll(text, '""')
    .replaceAll(/\[[^\]]*\]/g, "")
    .replaceAll(labelList, (_all, names: string) => {
      for (const name of names.split(",")) if (name.trim() !== "") labels.add(name.trim());
      return " ";
    })
    .replaceAll(/\{([^}]*)\}/g, (_all, matchers: string) => {
      for (const [, name = ""] of matchers.matchAll(/(\w+)\s*(?:=~|!~|!=|=)/g)) labels.add(name);
      return " ";
    });
  const metrics = new Set<string>();
  for (const [, name = "", call] of bare.matchAll(/(?<![\w.])([A-Za-z_:][\w:]*)(\s*\()?/g)) {
    if (call === undefined && !keywords.has(name) && !aggregations.has(name)) metrics.add(name);
  }
  return { metrics, labels };
}
