// Listens on PORT and repeats what it reads, and nothing more.
import { createServer } from "node:net";

const server = createServer((socket) => socket.pipe(socket).on("close", () => process.exit()));
server.listen(Number(process.env.PORT), "127.0.0.1");
