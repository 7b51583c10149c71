// A group server by Socket.IO, over WebSockets alone: what one socket of a room sends goes to the others; the newest is
// the room's state, which a new socket is sent.
import { createServer } from "node:http";
import { Server } from "socket.io";

const states = new Map();
const http = createServer();
const io = new Server(http, { transports: ["websocket"], pingInterval: Number(process.argv[2]), serveClient: false });
io.on("connection", (socket) => {
  const room = socket.handshake.query.group;
  socket.join(room);
  socket.emit("change", states.get(room) ?? { type: "state", at_us: 0 });
  socket.on("change", (change) => {
    states.set(room, change);
    socket.to(room).emit("change", change);
  });
});
http.listen({ host: "127.0.0.1", port: 0, backlog: 4096 }, () => console.log(`listening ${http.address().port}`));
