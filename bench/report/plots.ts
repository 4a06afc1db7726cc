import { medianOf, type Result, type Series } from "./results.ts";
import { drawPlot, type PlotLine } from "./svg-plot.ts";

const million = 1e6;
const mebibyte = 1024 * 1024;

/** Throughput over clients, from one result for each number of clients. */
export function fanOutPlot(results: readonly Result[]): string {
  return drawPlot({
    title: "Burst of one program to all clients of its room (100 B each)",
    xLabel: "clients in the room",
    yLabel: "million deliveries a second",
    isLogarithmic: true,
    lines: linesOf(results, ({ load }, series) => {
      const rate = medianOf(series, "rate");
      if (rate === undefined || load.job.kind !== "fan-out") return [];
      return [[load.job.clients, rate / million]];
    }),
  });
}

/** Resident memory over idle connections, from a result that has all of it. */
export function memoryPlot(results: readonly Result[]): string {
  return drawPlot({
    title: "Resident memory of the server, with idle clients in one room",
    xLabel: "connections",
    yLabel: "resident memory in MiB",
    isLogarithmic: false,
    lines: linesOf(results, ({ load }, series) => {
      if (load.job.kind !== "idle") return [];
      return load.job.connections.flatMap((count) => {
        const resident = medianOf(series, `resident at ${count}`);
        return resident === undefined ? [] : [[count, resident / mebibyte] as const];
      });
    }),
  });
}

/** One line for this server and one for its peer, where they have points. */
function linesOf(
  results: readonly Result[],
  pointsOf: (result: Result, series: Series) => PlotLine["points"],
): PlotLine[] {
  const own = results.flatMap((result) => pointsOf(result, result.own));
  const peer = results.flatMap((result) => (result.peer === undefined ? [] : pointsOf(result, result.peer)));
  const lines = [
    { label: "scalesocket", points: own },
    { label: "peer", points: peer },
  ];
  return lines.filter(({ points }) => points.length > 0);
}
