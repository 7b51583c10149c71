/** Which module of the player imports which: no circles, distinct names, pure rules. */

import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import path from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";

const PLAYER = fileURLToPath(new URL("../../../player/", import.meta.url));

/** The code of a file without its comments; imports of types are comments. @param {string} file below `player/` */
const codeOf = (file) => readFileSync(path.join(PLAYER, file), "utf8").replace(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, "");

const files = readdirSync(PLAYER, { recursive: true }).map(String);
const modules = files.filter((file) => file.endsWith(".js") && !file.startsWith(path.join("rules", "types")));

/** The modules that each module imports, as paths below `player/`. @type {Map<string, string[]>} */
const imports = new Map(
  modules.map((file) => {
    const found = codeOf(file).matchAll(/\b(?:from|import)\s*\(?\s*"(\.[^"]*)"/g);
    return [file, [...found].map(([, to]) => path.join(path.dirname(file), to))];
  }),
);

/**
 * A circle of modules that import each other, the first one again at the end; `undefined` when there is none.
 * @param {Map<string, string[]>} graph @returns {string[] | undefined}
 */
function circleIn(graph) {
  /** @type {Set<string>} modules that lead to no circle */
  const done = new Set();
  /** @param {string} file @param {string[]} way the modules before it @returns {string[] | undefined} */
  const visit = (file, way) => {
    if (way.includes(file)) return [...way.slice(way.indexOf(file)), file];
    if (done.has(file)) return undefined;
    for (const to of graph.get(file) ?? []) {
      const circle = visit(to, [...way, file]);
      if (circle) return circle;
    }
    done.add(file);
    return undefined;
  };
  for (const file of graph.keys()) {
    const circle = visit(file, []);
    if (circle) return circle;
  }
  return undefined;
}

test("the imports of the player are found", () => {
  assert.ok(imports.size > 50, `${imports.size} modules`);
  for (const [file, found] of imports) for (const to of found) assert.ok(imports.has(to), `${file} imports ${to}`);
  const count = [...imports.values()].flat().length;
  assert.ok(count > 200, `${count} imports`);
});

test("no module imports itself by way of others", () => {
  assert.deepEqual(circleIn(new Map(Object.entries({ a: ["b"], b: ["c", "d"], c: [], d: ["b"] }))), ["b", "d", "b"]);
  assert.equal(circleIn(new Map(Object.entries({ a: ["b", "c"], b: ["c"], c: [] }))), undefined);
  assert.equal(circleIn(imports)?.join(" → "), undefined);
});

test("no two modules have the same file name", () => {
  const names = modules.map((file) => path.basename(file)).sort();
  const twice = names.filter((name, index) => name === names[index - 1]);
  assert.deepEqual(twice, []);
});

test("the rules import rules alone, and use neither the browser, nor a clock, nor random numbers", () => {
  const rules = modules.filter((file) => file.startsWith("rules") && !file.endsWith("example.js"));
  assert.ok(rules.length >= 10, `${rules.length} modules`);
  for (const file of rules) {
    for (const to of imports.get(file) ?? []) assert.ok(to.startsWith("rules"), `${file} imports ${to}`);
    const code = codeOf(file);
    const words =
      /\b(document|window|globalThis|navigator|localStorage|performance|Date|setTimeout|setInterval|fetch|random)\b/;
    assert.equal(code.match(words)?.[0], undefined, file);
  }
});
