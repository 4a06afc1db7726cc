import type { BenchOptions } from "./cli/bench-options.ts";
import type { Figures } from "./generator/jobs.ts";
import type { Load } from "./loads.ts";
import type { Result, Series } from "./report/results.ts";
import { runLoad } from "./run-load.ts";
import type { Children } from "./server/children.ts";
import { ourTarget, type Target } from "./server/target.ts";

/** Runs loads one after the other, each on this server and on its peer in turn, so that both have the same weather. */
export async function compare(
  loads: readonly Load[],
  { peer, runs }: Pick<BenchOptions, "peer" | "runs">,
  children: Children,
): Promise<Result[]> {
  const targets = peer === undefined ? [ourTarget] : [ourTarget, { name: "peer", command: peer }];
  const results: Result[] = [];
  for (const load of loads) {
    process.stderr.write(`${load.name}: ${load.about}\n`);
    const [own, other] = await alternate(load, targets, runs, children);
    if (own !== undefined) results.push({ load, own, peer: other });
  }
  return results;
}

/** A B A B; a server on which a load has failed is not asked again. */
async function alternate(load: Load, targets: readonly Target[], runs: number, children: Children): Promise<Series[]> {
  const attempts = targets.map((target) => new Attempts(load, target, children));
  for (let run = 0; run < runs; run += 1) {
    for (const each of attempts) {
      await each.add();
    }
  }
  return attempts.map((each) => each.series);
}

/** The runs of one load on one server. */
class Attempts {
  readonly #load: Load;
  readonly #target: Target;
  readonly #children: Children;
  readonly #runs: Figures[] = [];
  #problem: string | undefined;

  constructor(load: Load, target: Target, children: Children) {
    this.#load = load;
    this.#target = target;
    this.#children = children;
  }

  get series(): Series {
    const series = { target: this.#target.name, runs: this.#runs };
    return this.#problem === undefined ? series : { ...series, problem: this.#problem };
  }

  async add(): Promise<void> {
    if (this.#problem !== undefined) return;
    try {
      this.#runs.push(await runLoad(this.#load, this.#target, this.#children));
    } catch (error) {
      this.#problem = error instanceof Error ? error.message : String(error);
      process.stderr.write(`${this.#load.name} failed on ${this.#target.name}: ${this.#problem}\n`);
    }
  }
}
