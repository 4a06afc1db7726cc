import { Listener, type ListenerSettings, type Receptionist } from "./listener.ts";
import type { Place, Purpose, ServerAddress } from "./place.ts";

/** All addresses that one server listens on. */
export class Listeners {
  readonly #settings: ListenerSettings;
  readonly #receptionists: Readonly<Record<Purpose, Receptionist>>;
  readonly #open: Listener[] = [];

  constructor(receptionists: Readonly<Record<Purpose, Receptionist>>, settings: ListenerSettings) {
    this.#receptionists = receptionists;
    this.#settings = settings;
  }

  /** Those that are listened on now, in the order of the places that they were opened for. */
  get addresses(): readonly ServerAddress[] {
    return this.#open.map(({ address }) => address);
  }

  /** Listens on all of these places, or on none. @throws ServerError ERR_LISTEN that names the one where it is not possible. */
  async open(places: readonly Place[]): Promise<void> {
    try {
      for (const place of places) {
        // One after the other: an address is to be tried only if those before it are there.
        // oxlint-disable-next-line no-await-in-loop
        this.#open.push(await Listener.open(place, this.#receptionists[place.purpose], this.#settings));
      }
      this.#settings.certificates?.watch();
    } catch (error) {
      await this.close();
      throw error;
    }
  }

  /** Ends all connections that have not become websockets, and takes no more. */
  async close(): Promise<void> {
    await Promise.all(this.#open.map(async (listener) => listener.close()));
    this.#settings.certificates?.close();
  }
}
