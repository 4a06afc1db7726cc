// A server that says it is well and lets clients talk, and that ends at a byte which none should end at.
import { createServer } from "node:http";
import { WebSocketServer } from "ws";

const [, , address = ""] = process.argv;
const http = createServer((request, response) => {
  const isMetrics = request.url === "/metrics";
  response.end(isMetrics ? 'scalesocket_websocket_connections_open{room="a"} 1\n' : '{"status":"ok"}');
});
new WebSocketServer({ server: http }).on("connection", (client) => {
  client.on("error", () => undefined);
  client.on("message", (message) => {
    const bytes = Buffer.from(message);
    if (bytes.includes(0xff)) process.exit(1);
    client.send(bytes.toString("utf8"));
  });
});
http.on("clientError", (_error, socket) => socket.end("HTTP/1.1 400 Bad Request\r\n\r\n"));
process.on("SIGINT", () => process.exit(0));
http.listen(Number(address.split(":")[1]), "127.0.0.1", () => console.log("listening"));
