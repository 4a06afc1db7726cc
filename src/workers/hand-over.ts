import type { JoinRequest } from "../join-request.ts";
import type { Handshake } from "../websocket/websockets.ts";

/** A client on its way to the worker of its room. */
export interface Arrival {
  readonly request: JoinRequest;
  readonly handshake: Handshake;
}
