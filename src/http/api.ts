import type { ServerResponse } from "node:http";
import type { RoomHost } from "../host/room-host.ts";
import type { RoomSummary } from "../room/room-summary.ts";
import { respondJsonText, respondText } from "./respond.ts";

/** What is told of an open room, each as JSON text. */
const values: Readonly<Record<string, (room: RoomSummary) => string>> = {
  name: (room) => JSON.stringify(room.name),
  connections: (room) => String(room.connections),
  metadata: (room) => room.metadata ?? "null",
};

/** Answers what is asked of open rooms below `/api/`. Reading creates nothing. */
export class Api {
  readonly #rooms: Pick<RoomHost, "find" | "list">;

  constructor(rooms: Pick<RoomHost, "find" | "list">) {
    this.#rooms = rooms;
  }

  /** `path` is what follows `/api`, percent-decoded. */
  async answer(path: string, response: ServerResponse): Promise<void> {
    const [, name = "", value = ""] = /^\/([^/]+)(?:\/([^/]*))?\/?$/.exec(path) ?? [];
    if (name === "rooms" && value === "") await this.#answerList(response);
    else if (name !== "") await this.#answerRoom(name, value, response);
    else
      respondText(
        response,
        404,
        "unknown; try api/rooms/, api/<room>/ or a value of a room such as api/<room>/connections",
      );
  }

  async #answerList(response: ServerResponse): Promise<void> {
    const rooms = await this.#rooms.list();
    const inOrder = rooms.toSorted((a, b) => (a.name < b.name ? -1 : 1));
    respondJsonText(response, 200, `[${inOrder.map(describe).join(",")}]`);
  }

  async #answerRoom(name: string, value: string, response: ServerResponse): Promise<void> {
    const room = await this.#rooms.find(name);
    if (room === undefined) respondText(response, 404, "room is not open");
    else if (value === "") respondJsonText(response, 200, describe(room));
    else if (Object.hasOwn(values, value)) respondJsonText(response, 200, values[value]?.(room) ?? "null");
    else respondText(response, 404, `unknown value; known: ${Object.keys(values).join(", ")}`);
  }
}

function describe(room: RoomSummary): string {
  const members = Object.entries(values).map(([name, read]) => `${JSON.stringify(name)}:${read(room)}`);
  return `{${members.join(",")}}`;
}
