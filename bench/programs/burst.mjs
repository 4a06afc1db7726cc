// Says so many numbered lines of so many bytes, as fast as they are taken.
import { waitFor, write } from "./conversation.mjs";

const [messages, size] = process.argv.slice(2).map(Number);
waitFor("PREPARE;");
const lines = Array.from({ length: messages }, (_, number) => `${number} `.padEnd(size, "x"));
const bytes = Buffer.from(`${lines.join("\n")}\n`);
write(Buffer.from("READY\n"));
waitFor("GO;");
write(bytes);
waitFor("the end");
