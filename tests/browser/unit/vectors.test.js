/**
 * The rules return the same outputs as the Rust client for the same inputs: `actors/tests/vectors`, written by Rust
 * tests.
 */

import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { test } from "node:test";
import { Client } from "../../../player/rules/client.js";

/** @import {Input} from "../../../player/rules/types.js" */

const FOLDER = new URL("../../../actors/tests/vectors/", import.meta.url);
/** The share of each random wait that the vectors were recorded with. */
const CHANCE = 0.5;

/** @param {any} input as in the file @param {number} local_us @returns {Input} */
function inputOf(input, local_us) {
  switch (input.type) {
    case "started":
      return { ...input, since_us: local_us };
    case "prepared":
      return { ...input, item: { id: input.item } };
    case "finished":
      return { ...input, since_us: local_us, went_on: false };
    case "closed":
      return { type: "closed", code: input.code ?? undefined };
    default:
      return input;
  }
}

/**
 * An output in the form of the file. Outputs that only this client has are left out: what follows, when to end, what to
 * show.
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
      /** A start that is planned for later counts at its instant. @type {any} */
      let planned;
      for (const [number, { local_us, input, outputs }] of steps.entries()) {
        /** @type {any[]} */
        const wanted = [];
        for (const output of /** @type {any[]} */ (client.step(local_us, CHANCE, inputOf(input, local_us)))) {
          const takesBack = planned && output.type === "silence";
          if (output.type === "sound" || output.type === "silence") planned = undefined;
          // Cut off, this client cancels a planned start; the Rust client plans none.
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
