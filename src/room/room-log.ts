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
    this.#logger[level](message, this.fields(connection));
  }

  /** What a line of the log carries. */
  fields(connection?: Connection): LogFields {
    return {
      room: this.#room,
      ...(connection === undefined ? {} : { connection: connection.id }),
      ...(this.pid === undefined ? {} : { pid: this.pid }),
    };
  }
}
