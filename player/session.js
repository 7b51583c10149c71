/** The player of the user who is logged in; the module exists as long as the page. */

import { attempt } from "./parts/toast.js";
import { Player } from "./device/player.js";
import { Watchable, store } from "./store.js";
import { claimId } from "./device/identity.js";

class Session extends Watchable {
  constructor() {
    super();
    /** @type {Player | undefined} */
    this.player = undefined;
    this.isStarting = false;
    /** Aborted when this tab no longer uses its device id. */
    this.claim = new AbortController();
    store.watch(() => void this.follow());
    void this.follow();
  }

  /** @returns {Promise<void>} */
  async follow() {
    const token = store.session?.token;
    if (this.player && this.player.client.token !== token) {
      this.player.leave("logout");
      this.player = undefined;
      this.claim.abort();
      this.changed();
    }
    if (!token || this.player || this.isStarting) return;
    this.isStarting = true;
    this.claim = new AbortController();
    const id = await claimId(store, this.claim.signal);
    this.isStarting = false;
    // The user may have logged out meanwhile, or another one logged in.
    if (store.session?.token !== token) {
      this.claim.abort();
      return this.follow();
    }
    this.player = new Player(token, id, (error) => void attempt(() => Promise.reject(error)));
    this.player.watch(() => this.changed());
    this.changed();
  }

  /** The player; throws when nobody is logged in. */
  get current() {
    if (!this.player) throw new Error("nobody is logged in");
    return this.player;
  }

  get playback() {
    return this.player?.client.view;
  }

  /**
   * Whether the music is to play, as far as this page knows: a pause counts before the server has received it, and a
   * device that is out of contact does not.
   */
  get isOn() {
    const { playback } = this;
    const isWanted = playback?.intent === "play" && playback.status !== "lost";
    return isWanted && !this.player?.client.pendingCommands.wantsSilence();
  }

  /** @returns {import("./rules/types.js").Device[]} */
  get devices() {
    return this.player?.client.devices?.devices ?? [];
  }

  get ownId() {
    return this.player?.client.device.id;
  }

  /** This tab in the list of devices. */
  get own() {
    return this.devices.find((device) => device.id === this.ownId);
  }

  /** The device that plays for the session. */
  get active() {
    const id = this.playback?.active?.device_id;
    return this.devices.find((device) => device.id === id);
  }

  /** Whether this tab has the music; also without the server, whose list of devices then is not known. */
  get isHere() {
    const active = this.playback?.active;
    return active !== undefined && active.device_id === (this.ownId ?? "");
  }

  /** The state of the connection. @returns {"up" | "trying" | "offline" | "over"} */
  get link() {
    const phase = this.player?.client.link.phase;
    if (phase === "up" || phase === "over") return phase;
    return navigator.onLine === false ? "offline" : "trying";
  }
}

export const session = new Session();
