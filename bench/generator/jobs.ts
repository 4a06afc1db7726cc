/** What a generator does, by kind. */
export type Job =
  /** One program says so many messages of that many bytes to each client, at once or at the program's own pace. */
  | { readonly kind: "fan-out"; readonly clients: number; readonly messages: number; readonly size: number }
  | { readonly kind: "paced"; readonly clients: number; readonly messages: number; readonly size: number }
  /** Each client says so many messages to one program. */
  | { readonly kind: "ingest"; readonly clients: number; readonly messages: number; readonly size: number }
  /** One client in each room says a message when the one before has come back. */
  | { readonly kind: "echo"; readonly rooms: number; readonly messages: number; readonly size: number }
  /** One program says so many messages in all, each to one client in turn. */
  | { readonly kind: "private"; readonly clients: number; readonly messages: number; readonly size: number }
  /** Rooms are opened and left again, so many at a time. */
  | { readonly kind: "rooms"; readonly rooms: number; readonly atOnce: number }
  /** One room gets that many clients, one step after the other, and nobody says anything. */
  | { readonly kind: "idle"; readonly connections: readonly number[] };

export type JobOf<Kind extends Job["kind"]> = Job & { readonly kind: Kind };

/** What a generator process is started with, as JSON in its first argument. */
export interface Assignment {
  readonly job: Job;
  readonly host: string;
  readonly port: number;
  readonly serverPid: number;
}

/** Measured values by name; loads.ts says what each is. */
export type Figures = Readonly<Record<string, number>>;

/** What a generator process prints as JSON when it is done. */
export type Outcome = { readonly figures: Figures } | { readonly problem: string };
