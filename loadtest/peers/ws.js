// A group server by npm `ws`: what one socket of a group sends is parsed, serialised and sent to the others; the newest
// is the group's state, which a new socket is sent.
import { WebSocketServer } from "ws";

// Every socket is pinged once in this time, a few at each step.
const PING_MS = Number(process.argv[2]);
const STEPS = 200;

const groups = new Map();
const all = [];
const server = new WebSocketServer({ host: "127.0.0.1", port: 0, backlog: 4096 });
server.on("connection", (socket, request) => {
  const name = request.url;
  let group = groups.get(name);
  if (!group) groups.set(name, (group = { sockets: [], state: '{"type":"state","at_us":0}' }));
  group.sockets.push(socket);
  socket.place = all.push(socket) - 1;
  socket.isAlive = true;
  socket.on("pong", () => (socket.isAlive = true));
  socket.on("error", () => {});
  socket.on("message", (data) => {
    const text = JSON.stringify(JSON.parse(data.toString()));
    group.state = text;
    for (const other of group.sockets) if (other !== socket) other.send(text);
  });
  socket.on("close", () => {
    group.sockets.splice(group.sockets.indexOf(socket), 1);
    const last = all.pop();
    if (last !== socket) {
      all[socket.place] = last;
      last.place = socket.place;
    }
  });
  socket.send(group.state);
});
server.on("listening", () => console.log(`listening ${server.address().port}`));

let step = 0;
setInterval(() => {
  for (let place = step; place < all.length; place += STEPS) {
    const socket = all[place];
    if (!socket.isAlive) {
      socket.terminate();
      continue;
    }
    socket.isAlive = false;
    socket.ping();
  }
  step = (step + 1) % STEPS;
}, PING_MS / STEPS);
