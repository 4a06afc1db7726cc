import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { type LogWishes, maxUnderWay, type Report } from "../../../src/workers/messages.ts";
import { Reporter, type SendReport } from "../../../src/workers/reporter.ts";

const allLogs: LogWishes = { isDebugging: true, isTracing: true };
const maxWaitingEntries = 1000;
const reportDelayMs = 5;

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  vi.useRealTimers();
});

/** Lets pass what a reporter waits for more to tell. */
function reportTime(): void {
  vi.advanceTimersByTime(reportDelayMs);
}

/** A supervisor that may be behind. */
class Setup {
  readonly reports: Report[] = [];
  readonly reporter: Reporter;
  isBehind = false;
  #onSent: (() => void)[] = [];

  constructor(wishes: LogWishes = allLogs, delayMs = reportDelayMs) {
    const send: SendReport = ({ report }, onSent) => {
      this.reports.push(report);
      this.#onSent.push(onSent);
      return !this.isBehind;
    };
    this.reporter = new Reporter(wishes, send, delayMs);
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

test("refusals are told in their order among what is logged, as what they are", () => {
  const { reporter, reports } = new Setup();
  reporter.logger.info("hello");
  reporter.clientRefused("warn", "room is full", "192.0.2.1");
  reporter.flush();
  expect(reports[0]?.logs).toEqual([
    ["info", "hello"],
    ["warn", "room is full", { address: "192.0.2.1" }, true],
  ]);
});

test("what happens within some milliseconds is told in one report", () => {
  const { reporter, reports } = new Setup();
  reporter.clientGone(5);
  vi.advanceTimersByTime(reportDelayMs - 1);
  reporter.clientGone(7);
  reporter.roomClosed("a", 7);
  reporter.roomClosed("b", 3);
  reporter.logger.info("hello", { room: "a" });
  reporter.logger.warn("careful");
  expect(reports).toEqual([]);
  vi.advanceTimersByTime(1);
  expect(reports).toEqual([
    {
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
  reportTime();
  expect(reports).toHaveLength(1);
});

test("what somebody waits for is told in the same turn of the event loop", () => {
  const { reporter, reports } = new Setup(allLogs, 0);
  reporter.clientGone(5);
  reporter.clientGone(7);
  expect(reports).toEqual([]);
  vi.advanceTimersByTime(0);
  expect(reports).toEqual([{ gone: [5, 7] }]);
});

test("clients that have arrived are counted, and those that could not be taken named", () => {
  const { reporter, reports } = new Setup();
  reporter.clientArrived();
  reporter.clientNotTaken(7);
  reporter.clientArrived();
  reportTime();
  reporter.clientArrived();
  reportTime();
  expect(reports).toEqual([{ arrived: 3, notTaken: [7] }, { arrived: 1 }]);
});

test("the supervisor hears of half of those that may be under way at once, so that it goes on", () => {
  const { reporter, reports } = new Setup();
  for (let count = 0; count < maxUnderWay / 2; count += 1) reporter.clientArrived();
  expect(reports).toEqual([{ arrived: maxUnderWay / 2 }]);
  reportTime();
  expect(reports).toHaveLength(1);
});

test("nothing is told twice", () => {
  const { reporter, reports } = new Setup();
  reporter.clientGone(1);
  reportTime();
  reporter.roomClosed("a", 1);
  reportTime();
  expect(reports).toEqual([{ gone: [1] }, { closed: [["a", 1]] }]);
});

test("levels that nobody reads are not sent", () => {
  const setup = new Setup({ isDebugging: false, isTracing: false });
  const { logger } = setup.reporter;
  expect([logger.isDebugging, logger.isTracing]).toEqual([false, false]);
  for (const level of ["trace", "debug", "info", "warn", "error"] as const) logger[level](level);
  reportTime();
  expect(setup.logs).toEqual(["info info", "warn warn", "error error"]);
});

describe("while the supervisor is behind", () => {
  test("the log waits, and what it needs to know of clients and rooms does not", () => {
    const setup = behind();
    const { reporter } = setup;
    reporter.logger.info("later");
    reporter.clientGone(2);
    reporter.roomClosed("a", 2);
    reportTime();
    expect(setup.reports.at(-1)).toEqual({ gone: [2], closed: [["a", 2]] });
    setup.catchUp();
    reportTime();
    expect(setup.logs).toEqual(["info first", "info later"]);
  });

  test("what has waited is told when it has caught up, though nothing else happens", () => {
    const setup = behind();
    setup.reporter.logger.info("last words");
    reportTime();
    setup.catchUp();
    reportTime();
    expect(setup.logs).toEqual(["info first", "info last words"]);
  });

  test("log entries alone send nothing that would put it further behind", () => {
    const setup = behind();
    const { length } = setup.reports;
    setup.reporter.logger.info("later");
    reportTime();
    setup.reporter.logger.info("later still");
    reportTime();
    expect(setup.reports).toHaveLength(length);
  });

  test("entries beyond the bound are left out, counted, and told of once", () => {
    const setup = behind();
    const { logger } = setup.reporter;
    for (let count = 0; count < maxWaitingEntries + 234; count += 1) logger.debug(`entry ${count}`);
    reportTime();
    setup.catchUp();
    logger.info("and on");
    reportTime();
    logger.info("and on again");
    reportTime();
    const [first, ...rest] = setup.logs;
    expect(first).toBe("info first");
    expect(rest.slice(0, maxWaitingEntries)).toEqual(
      Array.from({ length: maxWaitingEntries }, (_each, index) => `debug entry ${index}`),
    );
    const others = rest.slice(maxWaitingEntries);
    expect(others.filter((line) => !line.startsWith("warn"))).toEqual(["info and on", "info and on again"]);
    expect(others.filter((line) => line.startsWith("warn"))).toEqual(["warn 234 log entries were left out"]);
  });

  test("it may fall behind again and again", () => {
    const setup = behind();
    setup.reporter.logger.info("second");
    setup.catchUp();
    setup.isBehind = true;
    reportTime();
    setup.reporter.logger.info("third");
    reportTime();
    expect(setup.logs).toEqual(["info first", "info second"]);
    setup.catchUp();
    reportTime();
    expect(setup.logs).toEqual(["info first", "info second", "info third"]);
  });
});

describe("at the end", () => {
  test("all that waits is told, also where the supervisor is behind, and it is over when that is written", async () => {
    const setup = behind();
    setup.reporter.logger.info("last words");
    setup.reporter.clientGone(1);
    const over = vi.fn<() => void>();
    const closed = (async () => {
      await setup.reporter.close();
      over();
    })();
    expect(setup.reports.at(-1)).toEqual({ gone: [1], logs: [["info", "last words"]] });
    await vi.advanceTimersByTimeAsync(reportDelayMs);
    expect(over).not.toHaveBeenCalled();
    setup.catchUp();
    await closed;
  });

  test("nothing is left to tell, but what was told before may not be written yet", async () => {
    const setup = behind();
    const closed = setup.reporter.close();
    expect(setup.reports.at(-1)).toEqual({});
    setup.catchUp();
    await closed;
  });
});

/** A reporter whose supervisor has not taken its first report yet. */
function behind(): Setup {
  const setup = new Setup();
  setup.isBehind = true;
  setup.reporter.logger.info("first");
  reportTime();
  return setup;
}
