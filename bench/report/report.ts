import type { Figure } from "../loads.ts";
import { formatFigure, formatTable } from "./format.ts";
import { medianOf, ratioOf, type Result, type Series } from "./results.ts";

/** The table of all figures, and below it what went wrong. */
export function formatReport(results: readonly Result[], hasPeer: boolean): string {
  const head = ["load", "figure", "scalesocket", ...(hasPeer ? ["peer", "times better"] : []), "generator"];
  const rows = results.flatMap((result) => result.load.figures.map((figure) => row(result, figure, hasPeer)));
  const problems = results.flatMap(({ load, own, peer }) => [
    ...problemLines(load.name, own),
    ...problemLines(load.name, peer),
  ]);
  return [formatTable(head, rows), ...(problems.length > 0 ? ["", ...problems] : [])].join("\n");
}

function row(result: Result, figure: Figure, hasPeer: boolean): string[] {
  const { load, own, peer } = result;
  const ratio = ratioOf(result, figure);
  const compared = hasPeer ? [cell(peer, figure), ratio === undefined ? "" : ratio.toFixed(2)] : [];
  return [load.name, figure.about, cell(own, figure), ...compared, busyShare(own)];
}

function cell(series: Series | undefined, figure: Figure): string {
  const value = medianOf(series, figure.key);
  return value === undefined ? "failed" : formatFigure(value, figure.unit);
}

/** How busy the generator was: near 100 %, it is the generator that was measured. */
function busyShare(series: Series): string {
  const busy = medianOf(series, "busy");
  return busy === undefined || Number.isNaN(busy) ? "" : `${Math.round(busy * 100)} %`;
}

function problemLines(load: string, series: Series | undefined): string[] {
  return series?.problem === undefined ? [] : [`${load} on ${series.target}: ${series.problem}`];
}
