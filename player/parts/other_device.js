/** Logging in on another device: a QR code for its camera, and a code to type. */

import { ask } from "../api.js";
import { h, say } from "./dom.js";
import { attempt } from "./toast.js";

/** Names by which a machine reaches only itself. */
const ITSELF = /^(localhost|127\.|\[::1\])/;

export async function showLoginCode() {
  await attempt(async () => {
    const { code, url, qr_svg, expires_in } = await ask("/auth/codes", { method: "POST" });
    const left = h("p", { class: "detail", role: "status" });
    const picture = h("img", {
      class: "qr",
      src: `data:image/svg+xml,${encodeURIComponent(qr_svg)}`,
      alt: "QR code that logs in",
      width: 240,
      height: 240,
    });
    const address = url.split("#")[0];
    const dialog = h(
      "dialog",
      { "aria-labelledby": "other-device" },
      h(
        "form",
        { method: "dialog" },
        h("h2", { id: "other-device" }, "Log in on another device"),
        h(
          "p",
          {},
          "Point its camera at this, or open ",
          h("span", { class: "address" }, address),
          " there and type the code. It is good once; show it to nobody.",
        ),
        ITSELF.test(new URL(url).host) &&
          h(
            "p",
            { class: "warning" },
            "This page was opened under an address that works on this machine only. Open it under another one first.",
          ),
        picture,
        h("p", { class: "code", "aria-label": `Code: ${[...code].join(" ")}` }, code),
        left,
        h("div", { class: "actions" }, h("button", { type: "submit", class: "primary" }, "Done")),
      ),
    );
    const until_ms = performance.now() + expires_in * 1000;
    const look = () => {
      const minutes = Math.ceil((until_ms - performance.now()) / 60_000);
      say(
        left,
        minutes > 0
          ? `Valid for ${minutes === 1 ? "one more minute" : `${minutes} more minutes`}.`
          : "This code has expired. Close this and ask for a new one.",
      );
      if (minutes <= 0) picture.remove();
    };
    look();
    const timer = setInterval(look, 5_000);
    dialog.addEventListener("close", () => {
      clearInterval(timer);
      dialog.remove();
    });
    document.body.append(dialog);
    dialog.showModal();
  });
}
