/** The part of the settings about API keys: the list, a new key, whose text is shown once, and removing one. */

import { ask } from "../api.js";
import { copyText } from "../actions.js";
import { askPerson } from "../parts/dialog.js";
import { fill, h } from "../parts/dom.js";
import { day } from "../parts/text.js";
import { attempt } from "../parts/toast.js";
import { store } from "../store.js";

/** @import {View} from "./view.js" */

/** @type {Record<string, string>} what a key of each scope may do */
const SCOPES = {
  read: "Read the library and what plays",
  control: "Play, save and change playlists, too",
  admin: "Everything that an admin may do",
};

/** @param {View} view */
export function keysSection(view) {
  const keys = h("div", { class: "table" });
  const show = () =>
    view.loading(
      keys,
      (signal) => ask("/auth/keys", { signal }),
      ({ items }) =>
        fill(
          keys,
          items.length === 0 && h("p", { class: "detail" }, "No program has a key of yours."),
          items.map((/** @type {any} */ key) => keyRow(key, show)),
        ),
    );
  const create = async () => {
    const isAdmin = store.session?.user.role === "admin";
    const options = /** @type {[string, string][]} */ (
      Object.entries(SCOPES).filter(([scope]) => isAdmin || scope !== "admin")
    );
    /** @type {any} */
    let made;
    await askPerson({
      title: "New API key",
      text: "For a program that uses this server in your name.",
      fields: [
        { name: "name", label: "Name of the program", required: true, maxlength: 64 },
        { name: "scope", label: "It may", options, value: "read" },
      ],
      yes: "Create",
      act: async (json) => {
        made = await ask("/auth/keys", { method: "POST", json });
      },
    });
    if (!made) return;
    void show();
    showKey(made);
  };
  void show();
  return h(
    "section",
    { class: "settings" },
    h("h2", {}, "API keys"),
    keys,
    h("button", { type: "button", onclick: () => void create() }, "New API key…"),
  );
}

/** @param {any} key @param {() => void} show */
function keyRow(key, show) {
  const remove = async () => {
    const text = "The program that uses it can no longer reach this server.";
    if (!(await askPerson({ title: `Remove the key “${key.name}”?`, text, yes: "Remove", danger: true }))) return;
    await attempt(async () => {
      await ask(`/auth/keys/${key.id}`, { method: "DELETE" });
      show();
    }, "Removed.");
  };
  const used = key.last_used ? `last used on ${day(key.last_used)}` : "not used yet";
  return h(
    "div",
    { class: "setting" },
    h(
      "span",
      {},
      h("span", { dir: "auto" }, key.name),
      h("span", { class: "detail" }, `${SCOPES[key.scope] ?? key.scope}; ${used}`),
    ),
    h(
      "button",
      { type: "button", "aria-label": `Remove the key ${key.name}`, onclick: () => void remove() },
      "Remove…",
    ),
  );
}

/** Shows the text of a new key, which the server does not give again. @param {any} made */
function showKey({ name, key }) {
  const dialog = h(
    "dialog",
    { "aria-labelledby": "new-key" },
    h(
      "form",
      { method: "dialog" },
      h("h2", { id: "new-key", dir: "auto" }, `The key “${name}”`),
      h("p", {}, "Copy it now: it is shown this once. Whoever has it can use it, so show it to nobody else."),
      h("p", { class: "secret" }, key),
      h(
        "div",
        { class: "actions" },
        h("button", { type: "button", onclick: () => void copyText(key, "The key is copied.") }, "Copy"),
        h("button", { type: "submit", class: "primary" }, "Done"),
      ),
    ),
  );
  dialog.addEventListener("close", () => dialog.remove());
  document.body.append(dialog);
  dialog.showModal();
}
