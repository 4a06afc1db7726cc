// As private-json.mjs, in the strict mode of gwsocket.
import { waitFor, write } from "./conversation.mjs";

const [messages, size] = process.argv.slice(2).map(Number);
const ids = waitFor("PREPARE;").match(/(?<=JOIN )\d+(?=;)/g);
const all = 0;
const text = 1;
const framed = Array.from({ length: messages }, (_, message) => {
  const id = ids[message % ids.length];
  return frame(id, `${id} ${Math.floor(message / ids.length)} `.padEnd(size, "x"));
});
const bytes = Buffer.concat(framed);
write(frame(all, "READY"));
waitFor("GO;");
write(bytes);
waitFor("the end");

function frame(id, payload) {
  const header = Buffer.alloc(12);
  header.writeUInt32BE(id, 0);
  header.writeUInt32BE(text, 4);
  header.writeUInt32BE(payload.length, 8);
  return Buffer.concat([header, Buffer.from(payload)]);
}
