/**
 * The media elements of streams. Some browsers let an element sound only after a call of its `play()` during a person's
 * action, each element for itself, so elements are created ahead, allowed at every action, and used again.
 */

/** @typedef {{element: HTMLAudioElement, node: MediaElementAudioSourceNode, isAllowed: boolean}} Part */

/** Elements that are created ahead: one that plays, one that is prepared, one that is being released. */
const AHEAD = 3;

export class Elements {
  /** @param {() => AudioContext} open */
  constructor(open) {
    this.open = open;
    /** @type {Set<Part>} */
    this.all = new Set();
    /** @type {Part[]} those that no voice uses */
    this.spare = [];
  }

  create() {
    const element = new Audio();
    element.preload = "auto";
    // Audio may come from a CDN; without this a page hears nothing of it by way of a node.
    element.crossOrigin = "anonymous";
    /** @type {Part} */
    const part = { element, node: this.open().createMediaElementSource(element), isAllowed: false };
    this.all.add(part);
    return part;
  }

  /** An element without a source. It belongs to the caller until `release`. */
  take() {
    return this.spare.pop() ?? this.create();
  }

  /** @param {Part} part */
  release(part) {
    const { element, node } = part;
    element.pause();
    element.removeAttribute("src");
    element.load();
    node.disconnect();
    if (this.spare.length < AHEAD) this.spare.push(part);
    else this.all.delete(part);
  }

  /** To be called during a person's action. The elements stay silent: `pause()` follows at once. */
  allow() {
    while (this.all.size < AHEAD) this.spare.push(this.create());
    for (const part of this.all) {
      if (part.isAllowed || !part.element.paused) continue;
      part.isAllowed = true;
      part.element.play().catch((error) => {
        // Not every event counts as a person's action in every browser; the next one may.
        if (error.name === "NotAllowedError") part.isAllowed = false;
      });
      part.element.pause();
    }
  }
}
