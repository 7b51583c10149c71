/** Questions to a person: a few fields, or yes and no. */

import { h } from "./dom.js";

/** @typedef {{name: string, label: string, type?: string, value?: string, required?: boolean, minlength?: number, maxlength?: number, autocomplete?: string, options?: [string, string][]}} Field */

/**
 * Asks; resolves with the values, or with `undefined` when the person thought better of it.
 * @param {{title: string, text?: string, fields?: Field[], yes: string, danger?: boolean}} question
 * @returns {Promise<Record<string, string> | undefined>}
 */
export function askPerson({ title, text, fields = [], yes, danger = false }) {
  const form = h(
    "form",
    { method: "dialog" },
    h("h2", { id: "question" }, title),
    text && h("p", {}, text),
    fields.map(field),
    h(
      "div",
      { class: "actions" },
      h("button", { type: "button", class: "quiet", onclick: () => dialog.close("") }, "Cancel"),
      h("button", { type: "submit", class: danger ? "danger" : "primary", value: "yes" }, yes),
    ),
  );
  const dialog = h("dialog", { "aria-labelledby": "question" }, form);
  document.body.append(dialog);
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => {
      const values = /** @type {Record<string, string>} */ (Object.fromEntries(new FormData(form)));
      dialog.remove();
      resolve(dialog.returnValue === "yes" ? values : undefined);
    });
  });
}

/** @param {Field} field */
export function field({ name, label, options, ...rest }) {
  const input = options
    ? h("select", { name }, options.map(([value, text]) => h("option", { value, selected: value === rest.value }, text)))
    : h("input", { name, type: "text", ...rest, minLength: rest.minlength, maxLength: rest.maxlength ?? 200 });
  return h("label", { class: "field" }, h("span", {}, label), input);
}
