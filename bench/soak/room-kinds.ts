/** What clients can expect of a room, by the first word of its name; programs/soak.sh does it. */
export interface RoomKind {
  readonly name: string;
  /** How many rooms of the kind there may be at once. */
  readonly rooms: number;
  readonly weight: number;
  /** What clients can have it do. */
  readonly talk: "numbers" | "echo" | "none" | "deaf";
  /** The code that clients are closed with when the program ends by itself, after a last line that says END. */
  readonly endCode?: 1000 | 1011;
}

export const roomKinds: readonly [RoomKind, ...RoomKind[]] = [
  { name: "numbers", rooms: 3, weight: 8, talk: "numbers" },
  { name: "echoes", rooms: 3, weight: 8, talk: "echo" },
  { name: "exits", rooms: 2, weight: 3, talk: "none", endCode: 1000 },
  { name: "crashes", rooms: 2, weight: 3, talk: "none", endCode: 1011 },
  { name: "dies", rooms: 2, weight: 2, talk: "none", endCode: 1011 },
  { name: "forks", rooms: 1, weight: 2, talk: "none", endCode: 1000 },
  { name: "floods", rooms: 1, weight: 2, talk: "none", endCode: 1000 },
  { name: "hangs", rooms: 1, weight: 2, talk: "none" },
  { name: "stays", rooms: 1, weight: 1, talk: "none" },
  { name: "deaf", rooms: 1, weight: 3, talk: "deaf" },
];
