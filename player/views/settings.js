/** The settings of this browser and the account, and for admins the library and the users. */

import { ask, logOut } from "../api.js";
import { canKeep, kept } from "../offline_cache.js";
import { askPerson } from "../parts/dialog.js";
import { fill, h } from "../parts/dom.js";
import { keepChoice, plainHint } from "../parts/keeping.js";
import { showLoginCode } from "../parts/other_device.js";
import { count, day, size } from "../parts/text.js";
import { attempt, toast } from "../parts/toast.js";
import { store } from "../store.js";
import { deviceName } from "../device/identity.js";
import { librarySection, usersSection } from "./admin.js";
import { keysSection } from "./api_keys.js";
import { View } from "./view.js";

/** @param {string} label @param {HTMLElement} control @param {string} [detail] */
const setting = (label, control, detail) =>
  h(
    "label",
    { class: "setting" },
    h("span", {}, h("span", {}, label), detail && h("span", { class: "detail" }, detail)),
    control,
  );

class SettingsView extends View {
  build() {
    this.show();
    void this.lookAtRole();
  }

  /** The name may have been changed since the login. */
  async lookAtRole() {
    const { session } = store;
    const user = await ask("/me", { signal: this.gone.signal }).catch(() => undefined);
    if (!session || !user || user.role === session.user.role || !this.isConnected) return;
    store.setSession({ ...session, user });
    this.show();
  }

  show() {
    const isAdmin = store.session?.user.role === "admin";
    fill(
      this,
      this.heading("Settings"),
      this.browserSection(),
      this.accountSection(),
      keysSection(this),
      isAdmin && librarySection(this),
      isAdmin && usersSection(this),
    );
  }

  browserSection() {
    const { preferences } = store;
    const theme = h(
      "select",
      { onchange: () => store.prefer({ theme: /** @type {any} */ (theme.value) }) },
      [
        ["auto", "Same as the system"],
        ["light", "Light"],
        ["dark", "Dark"],
      ].map(([value, text]) => h("option", { value, selected: value === preferences.theme }, text)),
    );
    const name = h("input", {
      type: "text",
      value: preferences.name,
      placeholder: deviceName(),
      maxLength: 64,
      onchange: () => store.prefer({ name: name.value.trim() }),
    });
    const evens = h("input", {
      type: "checkbox",
      role: "switch",
      checked: preferences.evens,
      onchange: () => store.prefer({ evens: evens.checked }),
    });
    const keys = h("input", {
      type: "checkbox",
      role: "switch",
      checked: preferences.keys,
      onchange: () => store.prefer({ keys: keys.checked }),
    });
    const used = h("span", { class: "detail", role: "status" });
    void kept().then((found) =>
      fill(
        used,
        `Kept now: ${count(found.length, "track")}, ${size(found.reduce((sum, { bytes }) => sum + bytes, 0))}`,
      ),
    );
    return h(
      "section",
      { class: "settings" },
      h("h2", {}, "This browser"),
      setting("Appearance", theme),
      setting(
        "Name of this device",
        name,
        "Used when the page is loaded next. A name given in the list of devices comes first.",
      ),
      setting("Even out loudness", evens, "Uses the ReplayGain values in the files, from the next track on."),
      setting("Keys of one character", keys, "M for mute, L to save, and others. The key ? lists them all."),
      canKeep()
        ? setting(
            "Keep music for offline",
            keepChoice(),
            "Played and upcoming tracks. The least recently played are removed first.",
          )
        : plainHint(),
      canKeep() && h("div", { class: "setting" }, used, h("a", { class: "button", href: "/offline" }, "Show")),
    );
  }

  accountSection() {
    const logins = h("div", { class: "table" });
    const show = () =>
      this.loading(
        logins,
        (signal) => ask("/auth/logins", { signal }),
        ({ items }) =>
          fill(
            logins,
            items.map((/** @type {any} */ login) => this.loginRow(login, show)),
          ),
      );
    void show();
    const others = () =>
      attempt(async () => {
        await ask("/auth/logins", { method: "DELETE" });
        await show();
      }, "All other logins have ended.");
    return h(
      "section",
      { class: "settings" },
      h("h2", {}, "Your account"),
      h(
        "div",
        { class: "setting" },
        h("span", {}, `Logged in as ${store.session?.user.display_name}`),
        h("button", { type: "button", onclick: () => void logOut() }, "Log out"),
      ),
      h(
        "div",
        { class: "setting" },
        h("span", {}, "Password"),
        h("button", { type: "button", onclick: () => void changePassword() }, "Change…"),
      ),
      h(
        "div",
        { class: "setting" },
        h("span", {}, h("span", {}, "Another device"), h("span", { class: "detail" }, "By a QR code or a short code.")),
        h("button", { type: "button", onclick: () => void showLoginCode() }, "Log in on another device…"),
      ),
      h("h3", {}, "Logins"),
      logins,
      h("button", { type: "button", onclick: () => void others() }, "End all others"),
    );
  }

  /** @param {any} login @param {() => void} show */
  loginRow(login, show) {
    const end = () =>
      attempt(async () => {
        await ask(`/auth/logins/${login.id}`, { method: "DELETE" });
        show();
      }, "Ended.");
    const what = login.current ? "This login" : `Since ${day(login.created_at)}`;
    return h(
      "div",
      { class: "setting" },
      h("span", {}, h("span", {}, agent(login.agent)), h("span", { class: "detail" }, what)),
      !login.current &&
        h(
          "button",
          { type: "button", "aria-label": `End the login of ${agent(login.agent)}`, onclick: () => void end() },
          "End",
        ),
    );
  }
}

/** The browser and system in a program's long user agent. @param {string} text */
function agent(text) {
  return /(Edg|OPR|Firefox|Chrome|Safari)\/[\d]+/.exec(text)?.[0].replace("/", " ") ?? (text || "Unknown program");
}

async function changePassword() {
  const fields = [
    { name: "old", label: "Old password", type: "password", required: true, autocomplete: "current-password" },
    {
      name: "new",
      label: "New password, 8 characters or more",
      type: "password",
      required: true,
      minlength: 8,
      autocomplete: "new-password",
    },
  ];
  const text =
    "All your other logins end, and your API keys are removed: whoever knew the old password may have made them.";
  const act = (/** @type {Record<string, string>} */ json) => ask("/me/password", { method: "PUT", json });
  if (await askPerson({ title: "Change the password", text, fields, yes: "Change", act }))
    toast("The password is changed.");
}

customElements.define("view-settings", SettingsView);
