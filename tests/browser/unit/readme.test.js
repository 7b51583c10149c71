/** The README of the rules lists each input and output with its fields, as `types.js` declares them. */

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";

const read = (/** @type {string} */ name) =>
  readFile(new URL(`../../../player/rules/${name}`, import.meta.url), "utf8");
const [types, page] = await Promise.all([read("types.js"), read("README.md")]);

/** The fields of each type of the union of that name. @param {string} name */
function declared(name) {
  const text = types.split("@typedef ").find((part) => part.includes(`}} ${name} `)) ?? "";
  const members = [...text.replaceAll("\n *", " ").matchAll(/\{type: "(\w+)"([^}]*)\}/g)];
  assert.ok(members.length > 10, `${name}: ${members.length}`);
  return members.map(([, type, fields]) => ({
    type,
    fields: [...fields.matchAll(/(\w+\??): /g)].map(([, field]) => field),
  }));
}

/** The texts in backquotes of the first two cells of each row of a table. @param {string} heading */
function rows(heading) {
  const table = page.split(`| ${heading} | fields |`)[1].split("\n\n")[0];
  const quoted = (/** @type {string} */ cell) => [...cell.matchAll(/`([^`]*)`/g)].map(([, text]) => text);
  return table
    .split("\n")
    .slice(2)
    .map((row) => row.split("|").slice(1, 3).map(quoted));
}

for (const [name, heading] of [
  ["Input", "input"],
  ["Output", "output"],
]) {
  test(`the README lists each ${heading} with its fields`, () => {
    const listed = rows(heading);
    const members = declared(name);
    assert.deepEqual(listed.flatMap(([names]) => names).sort(), members.map(({ type }) => type).sort());
    for (const { type, fields } of members) {
      const [, known] = listed.find(([names]) => names.includes(type)) ?? [];
      assert.deepEqual(
        fields.filter((field) => !known?.includes(field)),
        [],
        type,
      );
    }
  });
}
