import { fileURLToPath } from "node:url";
import { frames } from "../client/frame-writer.ts";

/** A way to run the server, and how well-behaved clients talk to it. */
export interface Configuration {
  readonly name: string;
  readonly options: readonly string[];
  /** What stands before a room's path. */
  readonly prefix: string;
  /** Headers that let a client in. */
  readonly headers: readonly string[];
  /** The first byte of the frames in which a well-behaved client talks. */
  readonly opcode: number;
  /** What a well-behaved client says for the n-th time. */
  readonly say: (number: number) => string;
  /** The number in what the program says back; undefined where it is about something else. */
  readonly heard: (text: string) => number | undefined;
}

/** What tells words of a well-behaved client from all that fuzzing makes up. */
const mark = "innocent ";
const pages = fileURLToPath(new URL("../../../examples/chat/public", import.meta.url));

/** Short limits, so that a short run meets them all. */
const common = [
  "--maxmessage=64K",
  "--messagetimeout=2",
  "--pinginterval=2",
  "--clientbuffer=256K",
  "--slowtimeout=1",
  "--killgrace=0.5",
  "--maxrooms=40",
  "--maxhandshakes=64",
  "--metrics",
  "--stats",
  "--api",
];

const plain: Configuration = {
  name: "plain",
  options: [...common, "--workers=2", "--staticdir", pages],
  prefix: "",
  headers: [],
  opcode: frames.text,
  say: (number) => `${mark}${number}`,
  heard: (text) => (text.startsWith(mark) ? Number(text.slice(mark.length)) : Number.NaN),
};

const joinMessage = '{"id":#ID,"joined":"#QUERY_STRING #QUERY_NAME #REMOTE_ADDR #REQUEST_URI #HTTP_USER_AGENT"}';

export const configurations: readonly Configuration[] = [
  plain,
  {
    ...plain,
    name: "json",
    options: [...common, "--workers=0", "--frame=json", "--joinmsg", joinMessage],
    say: (number) => `{"${mark}":${number}}`,
    heard: heardInJson,
  },
  { ...plain, name: "binary", options: [...common, "--workers=0", "--frame=binary"], opcode: frames.binary },
  { ...plain, name: "compress", options: [...common, "--workers=0", "--compress"] },
  {
    ...plain,
    name: "guarded",
    options: [
      ...common,
      "--workers=2",
      "--basepath=/games",
      "--origin=https://example.com",
      "--subprotocol=one,two",
      "--trustproxy=loopback",
      "--maxconnections=500",
      "--msgrate=200",
      "--header=X-Frame-Options: DENY",
    ],
    prefix: "/games",
    headers: ["Origin: https://example.com"],
  },
];

export const configurationNames: readonly string[] = configurations.map(({ name }) => name);

function heardInJson(text: string): number | undefined {
  const fields = JSON.parse(text) as Record<string, unknown>;
  return "joined" in fields ? undefined : Number(fields[mark]);
}
