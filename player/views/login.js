/** The way in. */

import { logIn } from "../api.js";
import { field } from "../parts/dialog.js";
import { Component, fill, h, say } from "../parts/dom.js";
import { sentence } from "../parts/toast.js";

class LoginView extends Component {
  build() {
    document.title = "Log in · Segue";
    const status = h("p", { class: "status", role: "alert" });
    const button = h("button", { class: "primary", type: "submit" }, "Log in");
    const form = h(
      "form",
      { class: "login" },
      h("img", { src: "/player/icon.svg", alt: "", width: 72, height: 72 }),
      h("h1", {}, "Segue"),
      h("p", { class: "lede" }, "Your music, in the same second on every device."),
      field({ name: "username", label: "User name", autocomplete: "username", required: true }),
      field({ name: "password", label: "Password", type: "password", autocomplete: "current-password", required: true }),
      button,
      status,
    );
    form.addEventListener("submit", async (event) => {
      event.preventDefault();
      const { username, password } = /** @type {Record<string, string>} */ (Object.fromEntries(new FormData(form)));
      button.disabled = true;
      say(status, "");
      try {
        await logIn(username, password);
      } catch (error) {
        say(status, sentence(error instanceof Error ? error.message : String(error)));
        button.disabled = false;
        form.querySelector("input")?.focus();
      }
    });
    fill(this, h("main", {}, form));
    form.querySelector("input")?.focus();
  }
}

customElements.define("view-login", LoginView);
