// Listens on PORT, writes a lot on the first message and closes the connection, and does not end by itself.
import { createServer } from "node:net";

const server = createServer((socket) => {
  socket.write(`${process.pid}\n`);
  socket.once("data", () => {
    for (let line = 1; line <= 10_000; line += 1) socket.write(`${line}\n`);
    socket.end();
  });
});
server.listen(Number(process.env.PORT), "127.0.0.1");
