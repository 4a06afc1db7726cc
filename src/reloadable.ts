/** Something that was read from files, and can be read again while the server runs. */
export interface Reloadable {
  /** What it is, for the log. */
  readonly what: string;

  /** Reads it again. What was read before stays in use where this rejects. @throws ServerError that says why */
  reload(): Promise<void>;
}
