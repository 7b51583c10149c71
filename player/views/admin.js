/** The part of the settings for admins: the scan of the library, and the users. */

import { all, ask } from "../api.js";
import { askPerson } from "../parts/dialog.js";
import { fill, h, say, sentence } from "../parts/dom.js";
import { count } from "../parts/text.js";
import { attempt, toast } from "../parts/toast.js";
import { store } from "../store.js";
import { LOOK_MS, scanText } from "./scan.js";

/** @import {View} from "./view.js" */

/** The interval of requests while no scan runs, because one may start by itself, in milliseconds. */
const IDLE_MS = 5_000;

const TROUBLES = "/library/troubles";
/** The most files with trouble that are listed; the number of the others is shown. */
const MOST_FILES = 500;

/** @param {View} view */
export function librarySection(view) {
  const said = h("span", { role: "status" });
  const bar = h("progress", { max: 1, "aria-label": "Scan" });
  const troubles = h("div", { class: "table" });
  const files = h("div", { class: "table" });
  const start = h(
    "button",
    {
      type: "button",
      onclick: () =>
        void attempt(async () => {
          await ask("/library/scan", { method: "POST" });
          await look();
        }),
    },
    "Scan now",
  );
  let timer = 0;
  /** @type {string | undefined} */
  let listed;
  const look = async () => {
    clearTimeout(timer);
    try {
      const scan = await ask("/library/scan", { signal: view.gone.signal });
      say(said, scanText(scan));
      bar.hidden = !scan.running;
      bar.value = scan.done / Math.max(1, scan.expected, scan.seen);
      start.disabled = scan.running && scan.queued;
      fill(
        troubles,
        scan.troubles.map((/** @type {string} */ trouble) => h("p", { class: "wrong" }, sentence(trouble))),
      );
      timer = setTimeout(look, scan.running || scan.queued ? LOOK_MS : IDLE_MS);
      const now = `${scan.finished_at}`;
      if (scan.running || now === listed) return;
      listed = now;
      await listFiles();
    } catch (error) {
      if (view.gone.signal.aborted) return;
      say(said, sentence(error instanceof Error ? error.message : String(error)));
      timer = setTimeout(look, IDLE_MS);
    }
  };
  const listFiles = () =>
    view.loading(
      files,
      () => Promise.all([ask(`${TROUBLES}?limit=1`), all(TROUBLES, MOST_FILES)]),
      ([{ total }, items]) => {
        const rest = total - items.length;
        const [unreadable, read] = [items.filter(isUnreadable), items.filter((file) => !isUnreadable(file))];
        fill(
          files,
          unreadable.length > 0 && [h("h3", {}, "Unreadable files"), ...unreadable.map(fileRow)],
          read.length > 0 && [h("h3", {}, "Tags read in part"), ...read.map(fileRow)],
          rest > 0 && h("p", { class: "detail" }, `And ${count(rest, "more file")}.`),
          items.length === 0 && h("p", { class: "detail" }, "Every file could be read."),
        );
      },
    );
  view.endings.push(() => clearTimeout(timer));
  void look();
  return h(
    "section",
    { class: "settings" },
    h("h2", {}, "Library"),
    h("div", { class: "setting" }, h("span", {}, said, bar), start),
    troubles,
    files,
  );
}

/** Whether a file is not in the library. @param {any} file */
const isUnreadable = (file) => !file.is_readable;

/** A file, and what is wrong with it. @param {any} file */
const fileRow = (file) =>
  h(
    "div",
    { class: "setting" },
    h(
      "span",
      {},
      h("span", { class: "path", dir: "auto" }, file.path),
      file.reasons.map((/** @type {string} */ reason) => h("span", { class: "detail" }, sentence(reason))),
    ),
  );

const ROLES = /** @type {[string, string][]} */ ([
  ["user", "Listener"],
  ["admin", "Admin"],
]);

/** @param {View} view */
export function usersSection(view) {
  const users = h("div", { class: "table" });
  const show = () =>
    view.loading(
      users,
      () => all("/users", 10_000),
      (items) =>
        fill(
          users,
          items.map((user) => userRow(user, show)),
        ),
    );
  const create = async () => {
    const fields = [
      { name: "username", label: "User name", required: true, maxlength: 64, autocomplete: "off" },
      {
        name: "password",
        label: "Password, 8 characters or more",
        type: "password",
        required: true,
        minlength: 8,
        autocomplete: "new-password",
      },
      { name: "role", label: "Role", options: ROLES },
    ];
    await askPerson({
      title: "New user",
      fields,
      yes: "Create",
      act: (json) => ask("/users", { method: "POST", json }),
    });
    await show();
  };
  void show();
  return h(
    "section",
    { class: "settings" },
    h("h2", {}, "Users"),
    users,
    h("button", { type: "button", onclick: () => void create() }, "New user…"),
  );
}

/** @param {any} user @param {() => void} show */
function userRow(user, show) {
  const isOwn = user.id === store.session?.user.id;
  /** @param {string} title @param {import("../parts/dialog.js").Field[]} fields @param {string} [text] */
  const change = async (title, fields, text) => {
    if (
      await askPerson({
        title,
        text,
        fields,
        yes: "Change",
        act: (json) => ask(`/users/${user.id}`, { method: "PATCH", json }),
      })
    ) {
      toast("Changed.");
      show();
    }
  };
  const remove = async () => {
    const text = "The account, its playlists and its history are removed for good.";
    if (await askPerson({ title: `Remove ${user.display_name}?`, text, yes: "Remove", danger: true })) {
      await attempt(async () => {
        await ask(`/users/${user.id}`, { method: "DELETE" });
        show();
      }, "Removed.");
    }
  };
  const password = [
    {
      name: "password",
      label: "New password, 8 characters or more",
      type: "password",
      required: true,
      minlength: 8,
      autocomplete: "new-password",
    },
  ];
  const role = [{ name: "role", label: "Role", options: ROLES, value: user.role }];
  return h(
    "div",
    { class: "setting" },
    h(
      "span",
      {},
      h("span", { dir: "auto" }, user.display_name),
      h("span", { class: "detail" }, isOwn ? "You" : user.role === "admin" ? "Admin" : "Listener"),
    ),
    !isOwn &&
      h(
        "span",
        { class: "buttons" },
        h(
          "button",
          {
            type: "button",
            "aria-label": `Password of ${user.display_name}`,
            onclick: () =>
              void change(`Password of ${user.display_name}`, password, "All logins and API keys of this user end."),
          },
          "Password…",
        ),
        h(
          "button",
          {
            type: "button",
            "aria-label": `Role of ${user.display_name}`,
            onclick: () => void change(`Role of ${user.display_name}`, role),
          },
          "Role…",
        ),
        h(
          "button",
          { type: "button", "aria-label": `Remove ${user.display_name}`, onclick: () => void remove() },
          "Remove…",
        ),
      ),
  );
}
