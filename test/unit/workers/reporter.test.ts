import { describe, expect, test } from "vitest";
import type { LogWishes, Report } from "../../../src/workers/messages.ts";
import { Reporter } from "../../../src/workers/reporter.ts";
import { turnEnd } from "../../helpers/fakes.ts";

const allLogs: LogWishes = { isDebugging: true, isTracing: true };
const maxWaitingEntries = 1000;

/** A supervisor that may be behind. */
class Setup {
  readonly reports: Report[] = [];
  readonly reporter: Reporter;
  isBehind = false;
  #onSent: (() => void)[] = [];

  constructor(wishes: LogWishes = allLogs) {
    this.reporter = new Reporter(wishes, ({ report }, onSent) => {
      this.reports.push(report);
      this.#onSent.push(onSent);
      return !this.isBehind;
    });
  }

  /** All log entries that were sent, as `level message`. */
  get logs(): string[] {
    return this.reports.flatMap(({ logs = [] }) => logs.map(([level, message]) => `${level} ${message}`));
  }

  catchUp(): void {
    this.isBehind = false;
    for (const onSent of this.#onSent.splice(0)) onSent();
  }
}

test("what happens in one turn of the event loop is told in one report", async () => {
  const { reporter, reports } = new Setup();
  reporter.arrived(7);
  reporter.clientGone(5);
  reporter.clientGone(7);
  reporter.roomClosed("a", 7);
  reporter.roomClosed("b", 3);
  reporter.logger.info("hello", { room: "a" });
  reporter.logger.warn("careful");
  expect(reports).toEqual([]);
  await turnEnd();
  expect(reports).toEqual([
    {
      arrived: 7,
      gone: [5, 7],
      closed: [
        ["a", 7],
        ["b", 3],
      ],
      logs: [
        ["info", "hello", { room: "a" }],
        ["warn", "careful"],
      ],
    },
  ]);
  await turnEnd();
  expect(reports).toHaveLength(1);
});

test("nothing is told twice", async () => {
  const { reporter, reports } = new Setup();
  reporter.arrived(1);
  await turnEnd();
  reporter.clientGone(1);
  await turnEnd();
  reporter.roomClosed("a", 1);
  await turnEnd();
  expect(reports).toEqual([{ arrived: 1 }, { gone: [1] }, { closed: [["a", 1]] }]);
});

test("levels that nobody reads are not sent", async () => {
  const setup = new Setup({ isDebugging: false, isTracing: false });
  const { logger } = setup.reporter;
  expect([logger.isDebugging, logger.isTracing]).toEqual([false, false]);
  for (const level of ["trace", "debug", "info", "warn", "error"] as const) logger[level](level);
  await turnEnd();
  expect(setup.logs).toEqual(["info info", "warn warn", "error error"]);
});

describe("while the supervisor is behind", () => {
  test("the log waits, and what it needs to know of clients and rooms does not", async () => {
    const setup = await behind();
    const { reporter } = setup;
    reporter.logger.info("later");
    reporter.arrived(2);
    reporter.clientGone(2);
    reporter.roomClosed("a", 2);
    await turnEnd();
    expect(setup.reports.at(-1)).toEqual({ arrived: 2, gone: [2], closed: [["a", 2]] });
    setup.catchUp();
    await turnEnd();
    expect(setup.logs).toEqual(["info first", "info later"]);
  });

  test("what has waited is told when it has caught up, though nothing else happens", async () => {
    const setup = await behind();
    setup.reporter.logger.info("last words");
    await turnEnd();
    setup.catchUp();
    await turnEnd();
    expect(setup.logs).toEqual(["info first", "info last words"]);
  });

  test("log entries alone send nothing that would put it further behind", async () => {
    const setup = await behind();
    const { length } = setup.reports;
    setup.reporter.logger.info("later");
    await turnEnd();
    setup.reporter.logger.info("later still");
    await turnEnd();
    expect(setup.reports).toHaveLength(length);
  });

  test("entries beyond the bound are left out, counted, and told of once", async () => {
    const setup = await behind();
    const { logger } = setup.reporter;
    for (let count = 0; count < maxWaitingEntries + 234; count += 1) logger.debug(`entry ${count}`);
    await turnEnd();
    setup.catchUp();
    logger.info("and on");
    await turnEnd();
    logger.info("and on again");
    await turnEnd();
    const [first, ...rest] = setup.logs;
    expect(first).toBe("info first");
    expect(rest.slice(0, maxWaitingEntries)).toEqual(
      Array.from({ length: maxWaitingEntries }, (_each, index) => `debug entry ${index}`),
    );
    const others = rest.slice(maxWaitingEntries);
    expect(others.filter((line) => !line.startsWith("warn"))).toEqual(["info and on", "info and on again"]);
    expect(others.filter((line) => line.startsWith("warn"))).toEqual(["warn 234 log entries were left out"]);
  });

  test("it may fall behind again and again", async () => {
    const setup = await behind();
    setup.reporter.logger.info("second");
    setup.catchUp();
    setup.isBehind = true;
    await turnEnd();
    setup.reporter.logger.info("third");
    await turnEnd();
    expect(setup.logs).toEqual(["info first", "info second"]);
    setup.catchUp();
    await turnEnd();
    expect(setup.logs).toEqual(["info first", "info second", "info third"]);
  });
});

/** A reporter whose supervisor has not taken its first report yet. */
async function behind(): Promise<Setup> {
  const setup = new Setup();
  setup.isBehind = true;
  setup.reporter.logger.info("first");
  await turnEnd();
  return setup;
}
