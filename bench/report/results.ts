import type { Figures } from "../generator/jobs.ts";
import type { Figure, Load } from "../loads.ts";
import { median } from "./statistics.ts";

/** What came of one load on one server: all runs, or why there are none. */
export interface Series {
  readonly target: string;
  readonly runs: readonly Figures[];
  readonly problem?: string;
}

/** One load, on this server and on its peer where there is one. */
export interface Result {
  readonly load: Load;
  readonly own: Series;
  readonly peer: Series | undefined;
}

/** The median of one figure over all runs; undefined where the load failed. */
export function medianOf(series: Series | undefined, key: string): number | undefined {
  if (series === undefined || series.problem !== undefined) return undefined;
  return median(series.runs.map((figures) => figures[key] ?? Number.NaN));
}

/** How many times better this server is than its peer; below 1, worse. */
export function ratioOf(result: Result, figure: Figure): number | undefined {
  const own = medianOf(result.own, figure.key);
  const peer = medianOf(result.peer, figure.key);
  if (own === undefined || peer === undefined) return undefined;
  return figure.better === "higher" ? own / peer : peer / own;
}

/** All there is to know, for `--json`. */
export function toJson(results: readonly Result[]): unknown {
  return {
    node: process.version,
    platform: `${process.platform} ${process.arch}`,
    loads: results.map(({ load, own, peer }) => ({
      name: load.name,
      about: load.about,
      figures: load.figures.map((figure) => ({
        ...figure,
        own: medianOf(own, figure.key),
        peer: medianOf(peer, figure.key),
        ratio: ratioOf({ load, own, peer }, figure),
      })),
      own,
      peer,
    })),
  };
}
