/**
 * The layout of the JavaScript and CSS files. `npm run format` names every file that Prettier would write differently
 * and every line that is too long, and fails if there is one; `npm run format:write` rewrites the files. Prettier does
 * not break long comments and strings, so the length of lines is checked here.
 */

import { readFile, readdir, writeFile } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";
import * as prettier from "prettier";

/** The most characters of a line. */
const WIDTH = 120;

const ROOT = fileURLToPath(new URL("../../", import.meta.url));
/** Folders below the root. */
const FOLDERS = ["player", "tests/browser", "tests/clients", "src/http", "loadtest/peers"];
/** Folders of files that are not ours, or not written by hand. */
const SKIPPED = ["node_modules", "types"];
const EXTENSIONS = [".js", ".mjs", ".ts", ".css"];

/** @param {string} folder below the root */
async function filesOf(folder) {
  const entries = await readdir(path.join(ROOT, folder), { recursive: true });
  const ours = entries.filter((entry) => !entry.split(path.sep).some((part) => SKIPPED.includes(part)));
  return ours.filter((entry) => EXTENSIONS.includes(path.extname(entry))).map((entry) => path.join(folder, entry));
}

/**
 * What is wrong with the layout of a text, a line for each fault.
 * @param {string} file @param {string} text @param {string} formatted what Prettier makes of it
 */
function faultsOf(file, text, formatted) {
  const lines = text.split("\n").map((line, index) => ({ place: `${file}:${index + 1}`, length: [...line].length }));
  const long = lines.filter(({ length }) => length > WIDTH);
  const faults = long.map(({ place, length }) => `${place}: ${length} characters in a line, at most ${WIDTH}`);
  return text === formatted ? faults : [`${file}: run "npm run format:write" in tests/browser`, ...faults];
}

const isWriting = process.argv.includes("--write");
const files = (await Promise.all(FOLDERS.map(filesOf))).flat();
if (files.length < 80) throw new Error(`only ${files.length} files were found below ${ROOT}`);
const faults = await Promise.all(
  files.map(async (file) => {
    const text = await readFile(path.join(ROOT, file), "utf8");
    const formatted = await prettier.format(text, { filepath: file, printWidth: WIDTH, objectWrap: "collapse" });
    if (!isWriting) return faultsOf(file, text, formatted);
    if (formatted !== text) await writeFile(path.join(ROOT, file), formatted);
    return faultsOf(file, formatted, formatted);
  }),
);
for (const fault of faults.flat()) console.error(fault);
console.log(`${files.length} files, ${faults.flat().length} faults of layout`);
process.exitCode = faults.flat().length > 0 ? 1 : 0;
