import type { LogFields, Logger, LogLevel } from "../logger.ts";
import type { Connection } from "./connection.ts";

/** Says what happens in one room. */
export class RoomLog {
  /** Of the process that runs. */
  pid: number | undefined;
  readonly #logger: Logger;
  readonly #room: string;

  constructor(logger: Logger, room: string) {
    this.#logger = logger;
    this.#room = room;
  }

  write(level: LogLevel, message: string, connection?: Connection): void {
    if (level === "debug" && !this.#logger.isDebugging) return;
    this.#logger[level](message, this.#fields(connection));
  }

  #fields(connection: Connection | undefined): LogFields {
    const { pid } = this;
    const room = this.#room;
    if (connection === undefined) return pid === undefined ? { room } : { room, pid };
    return pid === undefined ? { room, connection: connection.id } : { room, connection: connection.id, pid };
  }
}
