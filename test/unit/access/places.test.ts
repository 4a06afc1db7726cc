import { array, constantFrom, assert as holds, nat, oneof, property, record, constant } from "fast-check";
import { expect, test } from "vitest";
import { type Place, Places } from "../../../src/access/places.ts";
import { RefusedError } from "../../../src/errors.ts";

test("one too many is refused until another has left", () => {
  const places = new Places({ maxPerAddress: 2 });
  const first = places.take("192.0.2.1");
  places.take("192.0.2.1");
  expect(() => places.take("192.0.2.1")).toThrow(RefusedError);
  expect(refusalOf(() => places.take("192.0.2.1"))).toEqual({
    status: 429,
    message: "too many connections from 192.0.2.1",
    headers: { "Retry-After": "5" },
  });
  expect(places.take("192.0.2.2")).toBeDefined();
  first?.leave();
  expect(places.take("192.0.2.1")).toBeDefined();
});

test("clients of one /64 share their places, and those of the next do not", () => {
  const places = new Places({ maxPerAddress: 1 });
  places.take("2001:db8:0:1::1");
  expect(refusalOf(() => places.take("2001:db8:0:1:ffff::2")).message).toBe(
    "too many connections from 2001:db8:0:1::/64",
  );
  expect(places.take("2001:db8:0:2::1")).toBeDefined();
});

test("clients whose address is not known share their places, too", () => {
  const places = new Places({ maxPerAddress: 1 });
  places.take("");
  expect(refusalOf(() => places.take("")).message).toBe("too many connections from this address");
});

test("who is refused for the number of places has no place to give back, but has come", () => {
  const places = new Places({ maxPerAddress: 1, connectionRate: 1 });
  places.take("192.0.2.1");
  for (let tries = 0; tries < 4; tries += 1)
    expect(refusalOf(() => places.take("192.0.2.1")).message).toMatch(/^too many connections/);
  expect(refusalOf(() => places.take("192.0.2.1")).message).toBe("too many new connections from 192.0.2.1");
  expect(places.takenBy("192.0.2.1")).toBe(1);
});

test("without a limit nothing is kept", () => {
  const places = new Places({});
  expect(places.take("192.0.2.1")).toBeUndefined();
  places.keep(undefined, 1);
  places.leave(1);
  expect(places.takenBy("192.0.2.1")).toBe(0);
});

const addresses = ["192.0.2.1", "192.0.2.2", "2001:db8::1"] as const;
const networks = ["192.0.2.1", "192.0.2.2", "2001:db8:0:0::/64"] as const;
const which = nat({ max: 100 });

test("as many places are taken as there are clients, whatever becomes of them in which order, and how often they leave", () => {
  const step = oneof(
    record({ kind: constant("come" as const), which }),
    record({ kind: constantFrom("enter" as const, "refuse" as const, "leave" as const, "leaveAgain" as const), which }),
  );
  holds(
    property(array(step, { maxLength: 100, size: "max" }), (steps) => {
      const most = 3;
      const places = new Places({ maxPerAddress: most });
      const coming: { place: Place; network: string }[] = [];
      const inside: { id: number; network: string }[] = [];
      const gone: number[] = [];
      let lastId = 0;
      const count = (network: string): number =>
        [...coming, ...inside].filter((client) => client.network === network).length;
      for (const { kind, which: index } of steps) {
        if (kind === "come") {
          const network = networks[index % networks.length] as string;
          const take = (): Place | undefined => places.take(addresses[index % addresses.length] as string);
          if (count(network) === most) expect(take).toThrow(RefusedError);
          else coming.push({ place: take() as Place, network });
        } else if (kind === "enter") {
          const [client] = coming.splice(index % Math.max(1, coming.length), 1);
          if (client === undefined) continue;
          lastId += 1;
          places.keep(client.place, lastId);
          inside.push({ id: lastId, network: client.network });
        } else if (kind === "refuse") {
          const [client] = coming.splice(index % Math.max(1, coming.length), 1);
          client?.place.leave();
          client?.place.leave();
        } else if (kind === "leave") {
          const [client] = inside.splice(index % Math.max(1, inside.length), 1);
          if (client === undefined) continue;
          places.leave(client.id);
          gone.push(client.id);
        } else {
          places.leave(gone[index % Math.max(1, gone.length)] ?? 0);
        }
        for (const network of networks) expect(places.takenBy(network)).toBe(count(network));
        expect(places.kept).toBe(inside.length);
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
