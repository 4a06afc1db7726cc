import { expect, test } from "vitest";
import type { Guest } from "../../../src/access/gate.ts";
import { Tickets } from "../../../src/access/tickets.ts";
import { HandshakeLimit } from "../../../src/http/handshake-limit.ts";
import { fakeVisitor } from "../../helpers/requests.ts";
import { until } from "../../helpers/until.ts";

const address = "192.0.2.1";
const visitor = fakeVisitor({ remoteAddress: address });
const longMs = 60_000;

/** Somebody whose admission goes on until it is said how it ends. */
class Knock {
  readonly tickets: Tickets;
  letIn: () => void = () => undefined;
  refuse: () => void = () => undefined;

  constructor(tickets = new Tickets({ maxPerAddress: 100 })) {
    this.tickets = tickets;
  }

  readonly admit = async (): Promise<Guest> => {
    const ticket = this.tickets.take(address);
    return new Promise((resolve, reject) => {
      this.letIn = () => resolve({ visitor, identity: null, ticket });
      this.refuse = () => {
        ticket?.giveBack();
        reject(new Error("not you"));
      };
    });
  };
}

async function run(handshakeLimit: HandshakeLimit, knock: Knock): Promise<Guest> {
  return handshakeLimit.run(knock.admit);
}

test("so many are under way at once, and one more is refused until another is done, well or not", async () => {
  const handshakeLimit = new HandshakeLimit(2, longMs);
  const knocks = [new Knock(), new Knock()] as const;
  const [first, second] = knocks.map((knock) => run(handshakeLimit, knock));
  const third = new Knock();
  await expect(run(handshakeLimit, third)).rejects.toMatchObject({
    status: 503,
    message: "too many handshakes are under way",
    headers: { "Retry-After": "5" },
  });
  knocks[0].letIn();
  expect((await first)?.visitor).toBe(visitor);
  const fourth = new Knock();
  const isIn = run(handshakeLimit, fourth);
  await expect(run(handshakeLimit, third)).rejects.toThrow("too many handshakes");
  knocks[1].refuse();
  await expect(second).rejects.toThrow("not you");
  const fifth = new Knock();
  const isInToo = run(handshakeLimit, fifth);
  fourth.letIn();
  fifth.letIn();
  await Promise.all([isIn, isInToo]);
});

test("one that takes too long is refused, and leaves no ticket behind, however it ends then", async () => {
  const tickets = new Tickets({ maxPerAddress: 2 });
  const handshakeLimit = new HandshakeLimit(2, 20);
  const [slow, slower] = [new Knock(tickets), new Knock(tickets)] as const;
  const both = [run(handshakeLimit, slow), run(handshakeLimit, slower)];
  for (const each of both) {
    await expect(each).rejects.toMatchObject({ status: 503, message: "the handshake took too long" });
  }
  // What is still being done for them counts.
  expect(tickets.takenBy(address)).toBe(2);
  await expect(run(handshakeLimit, new Knock())).rejects.toThrow("too many handshakes");
  slow.letIn();
  slower.refuse();
  await until(() => tickets.takenBy(address) === 0, "the tickets to be given back");
  const quick = new Knock(tickets);
  const isIn = run(handshakeLimit, quick);
  quick.letIn();
  expect((await isIn).ticket).toBeDefined();
});

test("who is let in at once is never under way", () => {
  const handshakeLimit = new HandshakeLimit(1, longMs);
  const guest = { visitor, identity: null, ticket: undefined };
  expect([handshakeLimit.run(() => guest), handshakeLimit.run(() => guest)]).toEqual([guest, guest]);
});
