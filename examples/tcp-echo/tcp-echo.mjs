#!/usr/bin/env node
// Says everything again in upper case, over TCP.
import { createServer } from "node:net";
import { pipeline } from "node:stream";

async function* toUpperCase(texts) {
  for await (const text of texts) yield text.toUpperCase();
}

// A room has one connection for all of its clients: when that is over, so is this program.
const server = createServer((socket) => {
  socket.setEncoding("utf8");
  pipeline(socket, toUpperCase, socket, () => server.close());
});

// Each room gets a port of its own, so there is one process for each room.
server.listen(Number(process.env.PORT), "127.0.0.1");
