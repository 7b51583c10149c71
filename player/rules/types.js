/**
 * The objects of the protocol as they are sent over the socket, and the inputs and outputs of the rules. Durations and
 * positions are whole milliseconds (`*_ms`); instants (`*_us`) are whole microseconds of server time, except `since_us`
 * and `local_us`, which are of the client's own steady clock.
 * @typedef {[number, number]} Stamp epoch and revision
 * @typedef {{id: string, kind?: string, media_id: string, duration_ms?: number}} Item an entry of the queue
 * @typedef {{device_id: string, instance: string, lease: Stamp, from_us?: number, source?: string}} Active
 * @typedef {{device_id: string, instance: string, lease: Stamp, since: Stamp}} After
 * @typedef {{to: string, instance?: string, lease?: Stamp, deadline_us: number, switch_at_us?: number}} Transfer
 * @typedef {"play" | "pause" | "stop"} Intent
 * @typedef {"idle" | "starting" | "playing" | "paused" | "buffering" | "blocked" | "failed" | "ended" | "lost"} Status
 * @typedef {{
 *   epoch: number, revision: number, turn: Stamp, intent: Intent, status: Status, item?: Item, next?: Item,
 *   position_ms: number, at_us: number, rate: number, active?: Active, after: After[], transfer?: Transfer,
 *   repeat: "off" | "one" | "all", shuffle: boolean, queue_revision: number, queue_length: number,
 *   unplayable?: {item: string, device_id: string}, by?: {device_id: string, command_id: string}
 * }} Playback
 * @typedef {{
 *   lease: Stamp, turn: Stamp, item: string, position_ms: number, at_us: number, status: Status, seen: Stamp
 * }} Report what the active device says of its audio
 * @typedef {{level: number, muted: boolean, version: number}} Volume
 * @typedef {{
 *   id: string, name: string, kind: string, plays: boolean, controls: boolean, presence: "online" | "away",
 *   volume?: Volume, since_us: number
 * }} Device
 * @typedef {{epoch: number, devices_revision: number, devices: Device[]}} DeviceList
 * @typedef {{epoch: number, queue_revision: number, from: number, total: number, items: Item[]}} QueuePage
 * @typedef {{
 *   heartbeat_ms: number, idle_ms: number, lease_ms: number, audio_ms: number, frame_bytes: number,
 *   page_items: number, tracks: number
 * }} Limits
 * @typedef {{
 *   id?: string, instance: string, name: string, kind: string, plays: boolean, controls: boolean,
 *   volume?: Volume
 * }} HelloDevice
 * @typedef {{op: string, [argument: string]: any}} Op a command without its id
 * @typedef {{type: "command", id: string, if_item?: string} & Op} Command
 * @typedef {{code: string, message: string, retry_ms?: number}} Refusal
 * @typedef {{type: string, [field: string]: any}} Frame
 *
 * @typedef {{type: "opened"}
 *   | {type: "closed", code?: number}
 *   | {type: "frame", frame: Frame}
 *   | {type: "command", id: string, op: Op}
 *   | {type: "standalone", id: string, items: Item[], at: number, position_ms: number, areEntries: boolean}
 *   | {type: "ahead", items: Item[]}
 *   | {type: "started", item: Item, position_ms: number, since_us: number}
 *   | {type: "prepared", item: Item}
 *   | {type: "stalled"} | {type: "blocked"} | {type: "unblocked"} | {type: "failed"}
 *   | {type: "finished", since_us: number, went_on: boolean}
 *   | {type: "volume", level: number, muted: boolean}
 *   | {type: "look", from: number, limit: number}
 *   | {type: "leave", reason: "close" | "logout" | "sleep"}
 *   | {type: "wake"} | {type: "tick"}} Input what happens to a client
 *
 * @typedef {{type: "connect"} | {type: "disconnect"}
 *   | {type: "send", frame: Frame}
 *   | {type: "sound", item: Item, position_ms: number, from_us?: number, rate: number}
 *   | {type: "prepare", item: Item, position_ms: number}
 *   | {type: "follow", item?: Item}
 *   | {type: "rename", item: Item}
 *   | {type: "until", at_us?: number}
 *   | {type: "silence"}
 *   | {type: "volume", level: number, muted: boolean}
 *   | {type: "answered", id: string, revision?: number, queue_length?: number, refusal?: Refusal}
 *   | {type: "queue", page: QueuePage}
 *   | {type: "show"}
 *   | {type: "give_up", code: number, reason: string}} Output what a client wants done
 *
 * @typedef {{kind: "silent"}
 *   | {kind: "loading", item: Item, position_ms: number, blocked: boolean}
 *   | {kind: "armed", item: Item, position_ms: number, switch_us: number | undefined}
 *   | {kind: "sounding", item: Item, position_ms: number, since_us: number, rate: number}
 *   | {kind: "held", item: Item, position_ms: number}
 *   | {kind: "failed", item: Item}} Audio what a device's audio does, as far as the rules must know
 */

export {};
