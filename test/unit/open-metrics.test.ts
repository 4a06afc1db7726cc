import { expect, test } from "vitest";
import { parseOpenMetrics } from "../helpers/open-metrics.ts";

test.each([
  ["no end", "# TYPE a gauge\na 1\n"],
  ["text behind the end", "# EOF\n# EOF\n# TYPE a gauge\n"],
  ["a carriage return", "# TYPE a gauge\r\na 1\r\n# EOF\n"],
  ["an empty line", "# TYPE a gauge\n\na 1\n# EOF\n"],
  ["a counter without _total", "# TYPE a counter\na 1\n# EOF\n"],
  ["a label without quotes", "# TYPE a gauge\na{b=c} 1\n# EOF\n"],
  ["a line break in a label", '# TYPE a gauge\na{b="c\n"} 1\n# EOF\n'],
  ["a quote in a label", '# TYPE a gauge\na{b="c"d"} 1\n# EOF\n'],
  ["a label twice", '# TYPE a gauge\na{b="1",b="2"} 1\n# EOF\n'],
  ["a series twice", '# TYPE a gauge\na{b="1"} 1\na{b="1"} 2\n# EOF\n'],
  ["mixed families", "# TYPE a gauge\na 1\n# TYPE b gauge\nb 1\n# HELP a Late\n# EOF\n"],
  ["clashing families", "# TYPE a counter\na_total 1\n# TYPE a_total gauge\na_total 1\n# EOF\n"],
  ["no number", "# TYPE a gauge\na one\n# EOF\n"],
  ["a negative counter", "# TYPE a counter\na_total -1\n# EOF\n"],
  ["no +Inf bucket", '# TYPE a histogram\na_bucket{le="1"} 1\na_count 1\na_sum 1\n# EOF\n'],
  ["buckets that shrink", '# TYPE a histogram\na_bucket{le="1"} 2\na_bucket{le="+Inf"} 1\na_count 1\na_sum 1\n# EOF\n'],
])("a metrics page with %s would be found out", (_fault, page) => {
  expect(() => parseOpenMetrics("# TYPE a gauge\na 1\n# EOF\n")).not.toThrow();
  expect(() => parseOpenMetrics(page)).toThrow();
});
