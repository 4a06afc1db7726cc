/** One option, as everything that deals with options needs to know it. */
export interface OptionSpec<Value> {
  /** As written on the command line, such as `-b, --binary` or `--addr <ADDR>`. */
  readonly flag: string;
  readonly group: OptionGroup;
  readonly help: string;
  /** What may be written, for people. */
  readonly expected: string;
  /** What a value that does not come as text may be, for people, where that is something else. */
  readonly expectedValue?: string;
  /** The value without the option, as it would be written; undefined where there is none. */
  readonly defaultText: string | undefined;
  /** What is taken where neither this option nor another one in its place was given, as it would be written. */
  readonly fallbackText?: string;
  /** What the flag means when it is given without a value; undefined where it needs one. */
  readonly bareText: string | undefined;
  /** Whether giving the flag again means more of it, until there is no more. */
  readonly isCounted?: boolean;
  /** Where the value is a list: each time that the flag is given adds to it. */
  readonly list?: ListSpec;
  /** Other names of the option. */
  readonly aliases?: readonly OptionAlias[];
  /** Undefined where the text is not what is expected. */
  parse(text: string): Value | undefined;
  /** Whether a value that did not come as text is acceptable. */
  check(value: unknown): boolean;
}

/** How several values of an option are written in one text. */
interface ListSpec {
  readonly separator: string;
  split(text: string): string[];
  isItem(text: string): boolean;
}

/** Another name of an option. */
interface OptionAlias {
  /** As written on the command line, such as `--delay <SECONDS>`. */
  readonly flag: string;
  /** The value that the alias alone stands for, as it would be written; undefined where it takes a value itself. */
  readonly means?: string;
}

/** An option whose default is a `Default`: where that is undefined, so is the option that was not given. */
export type WithDefault<Value, Default> = OptionSpec<Value | Extract<Default, undefined>>;

export const optionGroups = {
  listening: "Listening",
  encryption: "Encryption",
  messages: "Messages",
  process: "Process",
  rooms: "Rooms",
  access: "Access",
  limits: "Limits",
  http: "HTTP",
  identity: "Who may come in",
  logging: "Logging",
  configuration: "Configuration",
  compat: "Compatibility",
} as const;
type OptionGroup = keyof typeof optionGroups;

/** What every option says of itself. */
export interface Common {
  readonly flag: string;
  readonly group: OptionGroup;
  readonly help: string;
  readonly aliases?: readonly OptionAlias[];
}
