import type { SendHandle } from "node:child_process";
import type { JoinRequest } from "../join-request.ts";
import type { Handshake } from "../websocket/websockets.ts";
import { maxUnderWay, type ToWorker } from "./messages.ts";

/** A client on its way to the worker of its room. */
export interface Arrival {
  readonly request: JoinRequest;
  readonly handshake: Handshake;
}

export interface HandOverOptions {
  /** Says something to the worker, with a handle that goes along by Node's own means. */
  readonly send: (message: ToWorker, handle?: SendHandle) => void;

  /** Passes a client's descriptor to the worker, ahead of the message about it; false where the system does not take it now. */
  readonly passDescriptor?: ((descriptor: number, connectionId: number) => boolean) | undefined;

  /** A client, whose connection is still ours, does not come to the worker, which has taken note of that. */
  onRefused(arrival: Arrival): void;
}

/** Hands clients over to one worker, in the order in which they came. */
export class HandOver {
  readonly #options: HandOverOptions;
  readonly #most: number;
  readonly #queue: Arrival[] = [];
  /** Who was handed over and is not known to have arrived. Our sockets are only other names of theirs. */
  readonly #underWay: Arrival[] = [];
  /** When one of these was sent that had nobody before it, or the last one arrived. */
  #movedAt = 0;
  #isOpen = false;

  constructor(options: HandOverOptions) {
    this.#options = options;
    // Node hands over one at a time too, and what waits in its own queue is lost with the worker.
    this.#most = options.passDescriptor === undefined ? 1 : maxUnderWay;
  }

  /** How many clients wait. */
  get waiting(): number {
    return this.#queue.length;
  }

  /** Since when those under way have not got any further; undefined where there are none. */
  get stuckSince(): number | undefined {
    return this.#underWay.length === 0 ? undefined : this.#movedAt;
  }

  open(): void {
    this.#isOpen = true;
    this.proceed();
  }

  /** Hands a client over, behind those that came before. */
  admit(arrival: Arrival): void {
    this.#queue.push(arrival);
    this.proceed();
  }

  /** So many more have arrived, but for those with these ids, for which the worker had no descriptor. */
  arrived(count: number, notTaken: readonly number[] = []): void {
    if (count > 0) this.#movedAt = performance.now();
    for (const arrival of this.#underWay.splice(0, count)) {
      if (notTaken.includes(arrival.request.connectionId)) this.#options.onRefused(arrival);
      else arrival.handshake.connection.destroy();
    }
    this.proceed();
  }

  /** Node could not hand over the one that is under way, and the worker has not heard of it. */
  failed(): void {
    const [arrival] = this.#underWay;
    if (arrival === undefined) return;
    this.#takeNote(arrival);
    this.arrived(1, [arrival.request.connectionId]);
  }

  /** Those who wait do not come any more. */
  refuseWaiting(): void {
    for (const arrival of this.#queue.splice(0)) {
      this.#takeNote(arrival);
      this.#options.onRefused(arrival);
    }
  }

  /** Goes on with those who wait, as far as that is possible now. */
  proceed(): void {
    const { send, passDescriptor } = this.#options;
    while (this.#isOpen && this.#underWay.length < this.#most) {
      const [arrival] = this.#queue;
      if (arrival === undefined) return;
      const { handle } = arrival.handshake.connection;
      const isPassed = handle !== undefined && passDescriptor !== undefined;
      if (isPassed && !passDescriptor(handle.fd, arrival.request.connectionId)) return;
      this.#queue.shift();
      // Of a socket that is closed only the worker takes note: nothing is handed over, so nobody says that it came.
      if (handle !== undefined) this.#setOut(arrival);
      // The handle itself: for a whole socket Node would keep lists on both sides, and read on meanwhile.
      send(admission(arrival, isPassed), isPassed ? undefined : (handle as unknown as SendHandle | undefined));
    }
  }

  /** The worker has ended. Those who are still here are given back; where the others got to nobody knows. */
  close(): Arrival[] {
    this.#isOpen = false;
    for (const { handshake } of this.#underWay.splice(0)) handshake.connection.destroy();
    return this.#queue.splice(0);
  }

  /** Without its socket the worker takes note of a client, and that it does not come. */
  #takeNote(arrival: Arrival): void {
    this.#options.send(admission(arrival, false));
  }

  #setOut(arrival: Arrival): void {
    if (this.#underWay.length === 0) this.#movedAt = performance.now();
    this.#underWay.push(arrival);
  }
}

function admission({ request, handshake }: Arrival, isPassed: boolean): ToWorker {
  const { head, answer, isCompressing } = handshake;
  return { type: "admit", request, answer, isCompressing, headBase64: head.toString("base64"), isPassed };
}
