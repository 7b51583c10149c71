/** The package `segue-client`: the rules of a client, and the types of what goes in and comes out. */

export { steer } from "./audio.js";
export { Client } from "./client.js";
export { positionAt } from "./stamps.js";
export { mayPlayStandalone } from "./standalone.js";

/** @typedef {import("./types.js").Input} Input */
/** @typedef {import("./types.js").Output} Output */
/** @typedef {import("./types.js").Frame} Frame */
/** @typedef {import("./types.js").HelloDevice} HelloDevice */
/** @typedef {import("./types.js").Item} Item */
/** @typedef {import("./types.js").Op} Op */
/** @typedef {import("./types.js").Playback} Playback */
