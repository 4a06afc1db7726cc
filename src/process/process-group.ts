/** The group that a process leads. Once it is gone, its number may be that of a process which nobody has meant. */
export class ProcessGroup {
  readonly #signal: (signal: NodeJS.Signals | 0) => boolean;
  #hasLeader = true;
  #isGone = false;

  /** `signal` tells whether anybody in the group can be signalled; 0 is no signal, and only asks. */
  constructor(signal: (signal: NodeJS.Signals | 0) => boolean) {
    this.#signal = signal;
  }

  /** Returns whether there is anybody in it. */
  signal(signal: NodeJS.Signals | 0): boolean {
    if (this.#isGone) return false;
    const isAnybodyThere = this.#signal(signal);
    this.#isGone = !this.#hasLeader && !isAnybodyThere;
    return isAnybodyThere;
  }

  /** Call it as soon as its leader has been waited for: until then nobody else could get the number. */
  leaderIsGone(): void {
    this.#hasLeader = false;
    this.signal(0);
  }
}
