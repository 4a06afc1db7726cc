import { expect, test } from "vitest";
import { namesIn } from "../../deploy/promql.ts";

test.each([
  ['up{job="x"} == 0', ["up"], ["job"]],
  ['sum by (instance, reason) (rate(a_total{reason!~"b|c"}[5m])) > 1e3', ["a_total"], ["instance", "reason"]],
  ["histogram_quantile(0.99, sum by (le) (rate(a_bucket[$__rate_interval])))", ["a_bucket"], ["le"]],
  ["(a + 2 * b) / on (job) group_left () c unless d offset 5m", ["a", "b", "c", "d"], ["job"]],
  ["topk(10, a) or vector(0)", ["a"], []],
  ['a{b="{c} \\" d"}', ["a"], ["b"]],
])("the names in %s", (query, metrics, labels) => {
  const names = namesIn(query);
  expect([...names.metrics].toSorted()).toEqual(metrics);
  expect([...names.labels].toSorted()).toEqual(labels);
});
