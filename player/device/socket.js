/** The WebSocket to the server: opened when the rules ask for it; passes frames on and reports when it is closed. */

import { outside } from "../root.js";

/** @import {Frame} from "../rules/types.js" */

const SUBPROTOCOL = "segue.sync.v1";
/** A close code for applications (RFC 6455, section 7.4.2), which the server treats like a broken connection. */
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
    const address = new URL(outside("/v1/sync"), location.href);
    address.protocol = address.protocol === "https:" ? "wss:" : "ws:";
    const socket = new WebSocket(address, SUBPROTOCOL);
    this.socket = socket;
    // Events of an earlier socket are ignored.
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

  /** Closes the socket without reporting it to the rules, which asked for it. */
  disconnect() {
    const { socket } = this;
    this.socket = undefined;
    // Without a code the server would take it for a deliberate goodbye and stop the music.
    socket?.close(GIVEN_UP);
  }
}
