import type { IncomingMessage } from "node:http";
import { describeVisitor, type Visitor } from "./visitor.ts";

/** What a request asks for, as far as it matters for who may have it. */
export interface Wish {
  /** The room that a websocket is asked for. */
  readonly room: string;
  /** The query of the request's target, as it came. */
  readonly query: string;
}

/** Decides who may come in, before anything else is done for them. */
export class Gate {
  /** Lets a client go to a room. @throws RefusedError where it may not. */
  async admit(request: IncomingMessage, { query }: Wish): Promise<Visitor> {
    return describeVisitor(request, query);
  }
}
