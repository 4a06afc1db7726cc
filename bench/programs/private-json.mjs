// Says so many messages of so many bytes in all, each to the next one of the clients that have joined, in JSON framing.
import { waitFor, write } from "./conversation.mjs";

const [messages, size] = process.argv.slice(2).map(Number);
const ids = waitFor("PREPARE;").match(/(?<=JOIN )\d+(?=;)/g);
const lines = Array.from({ length: messages }, (_, message) => {
  const number = Math.floor(message / ids.length);
  return `${`{"id":${ids[message % ids.length]},"number":${number},"filler":"`.padEnd(size - 2, "x")}"}\n`;
});
const bytes = Buffer.from(lines.join(""));
write(Buffer.from('{"say":"READY"}\n'));
waitFor("GO;");
write(bytes);
waitFor("the end");
