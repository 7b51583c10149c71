/** The rules do what the server's own client does with the same: `actors/tests/vectors`, which Rust tests write. */

import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { test } from "node:test";
import { Client } from "../../../player/rules/client.js";

/** @import {Input} from "../../../player/rules/types.js" */

const FOLDER = new URL("../../../actors/tests/vectors/", import.meta.url);
/** A whole scenario is replayed at this share of each random wait. */
const CHANCE = 0.5;

/** @param {any} input as the file has it @param {number} local_us @returns {Input} */
function inputOf(input, local_us) {
  switch (input.type) {
    case "started":
      return { ...input, since_us: local_us };
    case "prepared":
      return { ...input, item: { id: input.item } };
    case "finished":
      return { ...input, since_us: local_us, went_on: false };
    case "wish":
      return { ...input, type: "command" };
    case "closed":
      return { type: "closed", code: input.code ?? undefined };
    default:
      return input;
  }
}

/**
 * What the file says of an output. The page's own are left out: what comes next, when to end, what is shown.
 * @param {any} output
 */
function outputOf(output) {
  const { type, item, position_ms, id, revision, refusal, page, code, frame } = output;
  switch (type) {
    case "connect":
    case "disconnect":
    case "silence":
      return { type };
    case "send":
      return { type, frame: JSON.parse(JSON.stringify(frame)) };
    case "sound":
    case "prepare":
      return { type, item: item.id, position_ms };
    case "answered":
      return refusal ? { type, id, code: refusal.code } : { type, id, revision };
    case "volume":
      return { type, level: output.level, muted: output.muted };
    case "queue":
      return { type, from: page.from, total: page.total };
    case "give_up":
      return { type, code };
    default:
      return undefined;
  }
}

const names = readdirSync(FOLDER).filter((name) => name.endsWith(".json"));
assert.ok(names.length >= 20, "the vectors are there");

for (const name of names) {
  test(`vectors: ${name.replace(".json", "").replaceAll("_", " ")}`, () => {
    const clients = JSON.parse(readFileSync(new URL(name, FOLDER), "utf8"));
    for (const [index, { device, steps }] of clients.entries()) {
      const client = new Client({ ...device }, undefined, 0);
      /** A start that is planned ahead counts when its instant comes. @type {any} */
      let planned;
      for (const [number, { local_us, input, outputs }] of steps.entries()) {
        /** @type {any[]} */
        const wanted = [];
        for (const output of /** @type {any[]} */ (client.step(local_us, CHANCE, inputOf(input, local_us)))) {
          const takesBack = planned && output.type === "silence";
          if (output.type === "sound" || output.type === "silence") planned = undefined;
          // Cut off, a page takes back what it has planned; the other client has nothing to take back.
          if (takesBack && input.type === "closed") continue;
          if (output.type === "sound" && output.from_us !== undefined) planned = output;
          else wanted.push(outputOf(output));
        }
        if (planned && client.time.at(local_us) >= planned.from_us) {
          wanted.unshift(outputOf(planned));
          planned = undefined;
        }
        assert.deepEqual(
          wanted.filter(Boolean),
          outputs,
          `client ${index + 1}, step ${number + 1}: ${JSON.stringify(input)}`,
        );
      }
      assert.ok(steps.length > 3, "something happened");
    }
  });
}
