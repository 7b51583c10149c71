/** Dialogs that ask a person: some fields, or yes and no. */

import { h, say, sentence } from "./dom.js";

/**
 * @typedef {{name: string, label: string, type?: string, value?: string, required?: boolean, minlength?: number,
 * maxlength?: number, autocomplete?: string, options?: [string, string][]}} Field
 */

/**
 * Shows a dialog. Resolves with the values of the fields, or with `undefined` when the person cancels. With `act` the
 * dialog stays open until that has succeeded, and shows why it failed, so that nothing has to be typed again.
 * @param {{
 *   title: string, text?: string, fields?: Field[], yes: string, danger?: boolean,
 *   act?: (values: Record<string, string>) => Promise<unknown>
 * }} question
 * @returns {Promise<Record<string, string> | undefined>}
 */
export function askPerson({ title, text, fields = [], yes, danger = false, act }) {
  const status = h("p", { class: "status", role: "alert", hidden: true });
  const submit = h("button", { type: "submit", class: danger ? "danger" : "primary", value: "yes" }, yes);
  const form = h(
    "form",
    { method: "dialog" },
    h("h2", { id: "question" }, title),
    text && h("p", {}, text),
    fields.map(field),
    status,
    h(
      "div",
      { class: "actions" },
      h("button", { type: "button", class: "quiet", onclick: () => dialog.close("") }, "Cancel"),
      submit,
    ),
  );
  const values = () => /** @type {Record<string, string>} */ (Object.fromEntries(new FormData(form)));
  const dialog = h("dialog", { "aria-labelledby": "question" }, form);
  if (act) {
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      submit.disabled = true;
      try {
        await act(values());
        dialog.close("yes");
      } catch (error) {
        say(status, sentence(error instanceof Error ? error.message : String(error)));
        status.hidden = false;
        submit.disabled = false;
      }
    });
  }
  document.body.append(dialog);
  dialog.showModal();
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => {
      const answer = dialog.returnValue === "yes" ? values() : undefined;
      dialog.remove();
      resolve(answer);
    });
  });
}

/** @param {Field} field */
export function field({ name, label, options, ...rest }) {
  const input = options
    ? h(
        "select",
        { name },
        options.map(([value, text]) => h("option", { value, selected: value === rest.value }, text)),
      )
    : h("input", { name, type: "text", ...rest, minLength: rest.minlength, maxLength: rest.maxlength ?? 200 });
  return h("label", { class: "field" }, h("span", {}, label), input);
}
