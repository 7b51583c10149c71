/** The ways to log in: name and password, a code that another device shows, and the set-up link of a new server. */

import { ask, enter } from "../api.js";
import { field } from "../parts/dialog.js";
import { Component, fill, h, say, sentence } from "../parts/dom.js";
import { sign } from "../parts/icons.js";
import { routes } from "../routes.js";
import { outside } from "../root.js";
import { store } from "../store.js";
import { entitle } from "./view.js";

/** @import {Field} from "../parts/dialog.js" */

/** @type {Field} */
const NAME = { name: "username", label: "User name", autocomplete: "username", required: true, maxlength: 64 };

/** @type {Field} */
const NEW_PASSWORD = {
  name: "password",
  label: "Password, 8 characters or more",
  type: "password",
  autocomplete: "new-password",
  required: true,
  minlength: 8,
  maxlength: 256,
};

/**
 * A way in; without `yes` and `path` there is nothing to send.
 * @typedef {{lede: string, fields: Field[], yes?: string, path?: string, more?: () => Record<string, string>,
 *   other?: {text: string, way: string}}} Way
 */
/** @type {Record<string, () => Way>} */
const WAYS = {
  password: () => ({
    lede: "Your music, in the same second on every device.",
    fields: [
      NAME,
      { name: "password", label: "Password", type: "password", autocomplete: "current-password", required: true },
    ],
    yes: "Log in",
    path: "/auth/login",
    other: { text: "Use a code from another device", way: "code" },
  }),
  code: () => ({
    lede: "On a device that is logged in, choose “Log in on another device” in the settings, and type its code here.",
    fields: [
      {
        name: "code",
        label: "Code",
        autocomplete: "one-time-code",
        required: true,
        maxlength: 20,
        value: routes.path === "/login" ? location.hash.slice(1) : "",
      },
    ],
    yes: "Log in",
    path: "/auth/codes/use",
    other: { text: "Use name and password", way: "password" },
  }),
  "sign-up": () => ({
    lede: "Make an account for yourself on this server.",
    fields: [NAME, NEW_PASSWORD],
    yes: "Create the account",
    path: "/auth/sign-up",
    other: { text: "I have an account: log in", way: "password" },
  }),
  setup: () => ({
    lede: "Create the first account. It is an admin account, which may do everything on this server.",
    fields: [NAME, NEW_PASSWORD],
    yes: "Create the account",
    path: "/auth/setup",
    // The secret stays after the `#`, which browsers do not send, so it is in no log.
    more: () => ({ secret: location.hash.slice(1) }),
    other: { text: "There is an account: log in", way: "password" },
  }),
  incomplete: () => ({
    lede: "This link is incomplete: copy all of it, with what follows the #.",
    fields: [],
    other: { text: "There is an account: log in", way: "password" },
  }),
};

/** What is said of a set-up link when there are accounts. */
const NO_MORE = "This set-up link works no more: there is an account. Log in with it.";

class LoginView extends Component {
  /** What this server adds to logging in with a password: that nobody has an account yet, or a way to make one. */
  hint = h("div", { class: "hint", role: "status" });
  /** Which ways lead in, once the server has said it. @type {any} */
  ways = undefined;

  build() {
    this.begin();
    // Another link that is opened in this tab differs only in what follows the `#`: the page stays.
    addEventListener("hashchange", () => this.begin(), { signal: this.gone.signal });
    void this.lookAtWays();
  }

  /** Shows the way in that the address names. */
  begin() {
    const hasHash = location.hash.length > 1;
    if (routes.path === "/setup") {
      if (this.ways?.has_accounts) this.show("password", NO_MORE);
      else this.show(hasHash ? "setup" : "incomplete");
    } else {
      const hasCode = routes.path === "/login" && hasHash;
      const form = this.show(hasCode ? "code" : "password");
      if (hasCode) form.requestSubmit();
    }
  }

  async lookAtWays() {
    this.ways = await ask("/auth/ways", { signal: this.gone.signal, token: "" }).catch(() => undefined);
    const { ways } = this;
    if (ways?.has_accounts === false) {
      const link = new URL(outside("/setup#…"), location.href).href;
      fill(
        this.hint,
        h("p", {}, "Nobody has an account on this server yet. Open its set-up link to make the first one."),
        h(
          "p",
          { class: "detail" },
          "The server printed that link when it started, below “nobody has an account yet”, such as",
        ),
        h("p", { class: "detail address" }, decodeURI(link)),
        h(
          "p",
          { class: "detail" },
          "A service's lines are in the log of the system: sudo journalctl -u segue | grep setup#",
        ),
      );
    } else if (ways && routes.path === "/setup") {
      this.begin();
    } else if (ways?.sign_up) {
      fill(this.hint, h("button", { type: "button", onclick: () => this.show("sign-up") }, "Create an account"));
    }
  }

  /** @param {string} name @param {string} [words] why it is shown */
  show(name, words = store.why) {
    const way = WAYS[name]();
    entitle(way.yes ?? "Set-up link");
    const status = h("p", { class: "status", role: "alert" }, words);
    const button = h("button", { class: "primary", type: "submit" }, way.yes ?? "");
    const { other } = way;
    const form = h(
      "form",
      { class: "login" },
      sign(72),
      h("h1", {}, "Segue"),
      h("p", { class: "lede" }, way.lede),
      way.fields.map(field),
      way.yes && button,
      status,
      name === "password" && this.hint,
      other && h("button", { type: "button", class: "quiet", onclick: () => this.show(other.way) }, other.text),
    );
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      if (!way.path) return;
      button.disabled = true;
      say(status, "");
      try {
        await enter(way.path, { ...Object.fromEntries(new FormData(form)), ...way.more?.() });
      } catch (error) {
        say(status, sentence(error instanceof Error ? error.message : String(error)));
        button.disabled = false;
        form.querySelector("input")?.focus();
      }
    });
    fill(this, h("main", {}, form));
    form.querySelector("input")?.focus();
    return form;
  }
}

customElements.define("view-login", LoginView);
