// Says so many lines of so many bytes, so many a second, each with its number and the microsecond of its writing.
import { sleep, waitFor, write } from "./conversation.mjs";

const [messages, size, perSecond] = process.argv.slice(2).map(Number);
const nowUs = () => Math.round(Number(process.hrtime.bigint()) / 1000);
waitFor("PREPARE;");
write(Buffer.from("READY\n"));
waitFor("GO;");
const startUs = nowUs();
for (let number = 0; number < messages; number += 1) {
  const waitUs = startUs + (number * 1e6) / perSecond - nowUs();
  if (waitUs > 0) sleep(waitUs / 1000);
  write(Buffer.from(`${`${number} ${nowUs()} `.padEnd(size, "x")}\n`));
}
waitFor("the end");
