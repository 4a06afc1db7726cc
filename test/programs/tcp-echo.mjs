// Listens on PORT, after a while if one is given; counts its connections and repeats what it reads from them.
import { createServer } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

const [afterMs = "0"] = process.argv.slice(2);
let connections = 0;
const server = createServer((socket) => {
  connections += 1;
  socket.write(`connection ${connections} on ${process.env.PORT}\n`);
  socket.pipe(socket);
  socket.on("error", () => undefined);
  socket.on("close", () => process.exit());
});
await sleep(Number(afterMs));
server.listen(Number(process.env.PORT), "127.0.0.1");
