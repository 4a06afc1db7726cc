import { choice, flag, text } from "../kinds.ts";
import { cache, delimiters } from "../message-kinds.ts";
import { fieldName } from "../name-kinds.ts";

/** The strict mode of gwsocket is what `binary` stands for. */
const frameSynonyms = new Map([["gwsocket", "binary"]] as const);

/** How messages stand on the pipes of processes, and what is kept of them. */
export const messagesOptions = {
  binary: flag({
    flag: "-b, --binary",
    group: "messages",
    help: "Pass bytes through as they come, as binary messages, without lines or framing",
  }),
  frame: choice({
    flag: "--frame [MODE]",
    group: "messages",
    choices: ["binary", "json"],
    synonyms: frameSynonyms,
    bare: "binary",
    help:
      "Tell the process who sent each message, and let it answer single clients: by an `id` field (json), " +
      "or by a header before each message as in gwsocket's strict mode (binary, or gwsocket)",
  }),
  clientFrame: choice({
    flag: "--clientframe <MODE>",
    group: "messages",
    choices: ["lines", "binary", "json"],
    synonyms: frameSynonyms,
    help: "The framing of what clients say to the process only, as in --frame or without any (lines)",
  }),
  serverFrame: choice({
    flag: "--serverframe <MODE>",
    group: "messages",
    choices: ["lines", "binary", "json"],
    synonyms: frameSynonyms,
    help: "The framing of what the process says to clients only, as in --frame or without any (lines)",
  }),
  fromField: fieldName({
    flag: "--fromfield <NAME>",
    group: "messages",
    default: "id",
    help: "The field in which the process reads who sent a message (JSON framing)",
  }),
  toField: fieldName({
    flag: "--tofield <NAME>",
    group: "messages",
    default: "id",
    help: "The field in which the process says whom a message is for (JSON framing)",
  }),
  delimiters: delimiters({
    flag: "--delimiters <CHARS>",
    group: "messages",
    help:
      "What ends a message of the process instead of a newline: any of these characters; what clients say ends with " +
      "the first of them",
  }),
  nullDelimited: flag({
    flag: "--null",
    group: "messages",
    help: "Messages end with a NUL character both ways, as with --delimiters='\\0'",
  }),
  cache: cache({
    flag: "--cache <SIZE>",
    group: "messages",
    help:
      "Keep the last SIZE messages for everyone and send them to each client that joins; with tagged:SIZE only those " +
      'in which the process writes `"_cache":true` (JSON framing)',
  }),
  cachePersist: flag({
    flag: "--cachepersist",
    group: "messages",
    help: "Keep these messages also when the room's process ends, for its next one",
  }),
  compress: flag({
    flag: "--compress",
    group: "messages",
    help: "Compress messages for everyone, once for all clients that can read them so (permessage-deflate)",
  }),
  joinMessage: text({
    flag: "--joinmsg <MSG>",
    group: "messages",
    help:
      "Send this to the process when a client joins; #ID, #USER, #ROOM, #QUERY_<NAME> and CGI variables such as " +
      "#REMOTE_ADDR are replaced",
  }),
  leaveMessage: text({
    flag: "--leavemsg <MSG>",
    group: "messages",
    help: "Send this to the process when a client leaves; replaced as in --joinmsg",
  }),
} as const;
