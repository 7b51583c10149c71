/** The socket's edge: opens it when the rules ask, hands frames over, says when it has ended. */

/** @import {Frame} from "../rules/types.js" */

const SUBPROTOCOL = "segue.sync.v1";
/** A close code of a program's own (RFC 6455, section 7.4.2), which the server takes as a connection that broke. */
const GIVEN_UP = 3000;

export class Socket {
  /** @param {{opened: () => void, frame: (frame: Frame) => void, closed: (code?: number) => void}} events */
  constructor(events) {
    this.events = events;
    /** @type {WebSocket | undefined} */
    this.socket = undefined;
  }

  connect() {
    this.disconnect();
    const address = new URL("/v1/sync", location.href);
    address.protocol = address.protocol === "https:" ? "wss:" : "ws:";
    const socket = new WebSocket(address, SUBPROTOCOL);
    this.socket = socket;
    // What an earlier socket still says is nobody's business any more.
    const isCurrent = () => this.socket === socket;
    socket.onopen = () => isCurrent() && this.events.opened();
    socket.onmessage = (event) => isCurrent() && this.events.frame(JSON.parse(event.data));
    socket.onclose = (event) => {
      if (!isCurrent()) return;
      this.socket = undefined;
      this.events.closed(event.code);
    };
  }

  /** @param {Frame} frame */
  send(frame) {
    if (this.socket?.readyState === WebSocket.OPEN) this.socket.send(JSON.stringify(frame));
  }

  /** Ends the socket without a word of it to the rules, which asked for it. */
  disconnect() {
    const { socket } = this;
    this.socket = undefined;
    // Without a code it would be a goodbye, which stops the music; this one is only given up.
    socket?.close(GIVEN_UP);
  }
}
