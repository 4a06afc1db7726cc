import { array, constantFrom, assert as holds, nat, oneof, property, record, constant } from "fast-check";
import { expect, test } from "vitest";
import { type Ticket, Tickets } from "../../../src/access/tickets.ts";
import { RefusedError } from "../../../src/errors.ts";

test("one too many is refused until another has left", () => {
  const tickets = new Tickets({ maxPerAddress: 2 });
  const first = tickets.take("192.0.2.1");
  tickets.take("192.0.2.1");
  expect(() => tickets.take("192.0.2.1")).toThrow(RefusedError);
  expect(refusalOf(() => tickets.take("192.0.2.1"))).toEqual({
    status: 429,
    message: "too many connections from 192.0.2.1",
    headers: { "Retry-After": "5" },
  });
  expect(tickets.take("192.0.2.2")).toBeDefined();
  first?.giveBack();
  expect(tickets.take("192.0.2.1")).toBeDefined();
});

test("clients of one /64 share their tickets, and those of the next do not", () => {
  const tickets = new Tickets({ maxPerAddress: 1 });
  tickets.take("2001:db8:0:1::1");
  expect(refusalOf(() => tickets.take("2001:db8:0:1:ffff::2")).message).toBe(
    "too many connections from 2001:db8:0:1::/64",
  );
  expect(tickets.take("2001:db8:0:2::1")).toBeDefined();
});

test("clients whose address is not known share their tickets, too", () => {
  const tickets = new Tickets({ maxPerAddress: 1 });
  tickets.take("");
  expect(refusalOf(() => tickets.take("")).message).toBe("too many connections from this address");
});

test("who is refused for the number of tickets has no ticket to give back, but has come", () => {
  const tickets = new Tickets({ maxPerAddress: 1, connectionRate: 1 });
  tickets.take("192.0.2.1");
  for (let tries = 0; tries < 4; tries += 1)
    expect(refusalOf(() => tickets.take("192.0.2.1")).message).toMatch(/^too many connections/);
  expect(refusalOf(() => tickets.take("192.0.2.1")).message).toBe("too many new connections from 192.0.2.1");
  expect(tickets.takenBy("192.0.2.1")).toBe(1);
});

test("without a limit nothing is kept", () => {
  const tickets = new Tickets({});
  expect(tickets.take("192.0.2.1")).toBeUndefined();
  tickets.keep(undefined, 1);
  tickets.leave(1);
  expect(tickets.takenBy("192.0.2.1")).toBe(0);
});

const addresses = ["192.0.2.1", "192.0.2.2", "2001:db8::1"] as const;
const networks = ["192.0.2.1", "192.0.2.2", "2001:db8:0:0::/64"] as const;
const which = nat({ max: 100 });

test("as many tickets are taken as there are clients, whatever becomes of them in which order, and how often they leave", () => {
  const step = oneof(
    record({ kind: constant("come" as const), which }),
    record({ kind: constantFrom("enter" as const, "refuse" as const, "leave" as const, "leaveAgain" as const), which }),
  );
  holds(
    property(array(step, { maxLength: 100, size: "max" }), (steps) => {
      const most = 3;
      const tickets = new Tickets({ maxPerAddress: most });
      const coming: { ticket: Ticket; network: string }[] = [];
      const inside: { id: number; network: string }[] = [];
      const gone: number[] = [];
      let lastId = 0;
      const count = (network: string): number =>
        [...coming, ...inside].filter((client) => client.network === network).length;
      for (const { kind, which: index } of steps) {
        if (kind === "come") {
          const network = networks[index % networks.length] as string;
          const take = (): Ticket | undefined => tickets.take(addresses[index % addresses.length] as string);
          if (count(network) === most) expect(take).toThrow(RefusedError);
          else coming.push({ ticket: take() as Ticket, network });
        } else if (kind === "enter") {
          const [client] = coming.splice(index % Math.max(1, coming.length), 1);
          if (client === undefined) continue;
          lastId += 1;
          tickets.keep(client.ticket, lastId);
          inside.push({ id: lastId, network: client.network });
        } else if (kind === "refuse") {
          const [client] = coming.splice(index % Math.max(1, coming.length), 1);
          client?.ticket.giveBack();
          client?.ticket.giveBack();
        } else if (kind === "leave") {
          const [client] = inside.splice(index % Math.max(1, inside.length), 1);
          if (client === undefined) continue;
          tickets.leave(client.id);
          gone.push(client.id);
        } else {
          tickets.leave(gone[index % Math.max(1, gone.length)] ?? 0);
        }
        for (const network of networks) expect(tickets.takenBy(network)).toBe(count(network));
        expect(tickets.kept).toBe(inside.length);
      }
    }),
  );
});

function refusalOf(take: () => unknown): Pick<RefusedError, "status" | "message" | "headers"> {
  try {
    take();
  } catch (error) {
    if (error instanceof RefusedError) return { status: error.status, message: error.message, headers: error.headers };
    throw error;
  }
  throw new Error("nobody was refused");
}
