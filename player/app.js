/** The page: the login, the frame around the views, the message about the connection, the keyboard. */

import { showKeys, startKeys } from "./keys.js";
import { allowMediaSession, startMediaSession } from "./media_session.js";
import { canKeep, forgetEverything, startWorker } from "./offline_cache.js";
import { note } from "./parts/cards.js";
import { Component, attribute, fill, h, skeleton } from "./parts/dom.js";
import { icon, sign } from "./parts/icons.js";
import { openMenu } from "./parts/menu.js";
import { PlayerBar } from "./parts/player_bar.js";
import { loaded } from "./parts/toast.js";
import { routes } from "./routes.js";
import { session } from "./session.js";
import { LOGIN_ENDED, store } from "./store.js";
import "./views/home.js";
import "./views/library.js";
import "./views/search.js";

const now = () => import("./views/now.js");
const album = () => import("./views/album.js");
const queue = () => import("./views/queue.js");
/**
 * Views that are loaded when they are shown, because most visits do not begin with them.
 * @type {Record<string, () => Promise<unknown>>}
 */
const LATER = {
  "view-login": () => import("./views/login.js"),
  "view-now": now,
  "view-devices": now,
  "view-album": album,
  "view-artist": album,
  "view-track": album,
  "view-settings": () => import("./views/settings.js"),
  "view-offline": () => import("./views/offline.js"),
  "view-playlists": () => import("./views/playlists.js"),
  "view-playlist": () => import("./views/playlist.js"),
  "view-queue": queue,
  "view-nowhere": queue,
};
/** The places in the bar of a phone; the others are in a menu. */
const FEW = 4;
/** @type {[string, string, string][]} address, icon, name */
const PLACES = [
  ["/", "home", "Home"],
  ["/search", "search", "Search"],
  ["/albums", "album", "Albums"],
  ["/playlists", "playlist", "Playlists"],
  ["/artists", "artist", "Artists"],
  ["/tracks", "track", "Tracks"],
  ["/saved", "heart", "Saved"],
  ["/offline", "offline", "Offline"],
  ["/queue", "queue", "Queue"],
  ["/devices", "device", "Devices"],
  ["/settings", "settings", "Settings"],
];

class SegueApp extends Component {
  isIn = false;
  wasIn = false;
  /** What is shown, and the entry of the browser history at which it was shown. */
  shownKey = "";
  shownStep = 0;

  build() {
    this.observe(store, () => this.refresh());
    this.observe(session, () => this.refresh());
    this.observe(routes, () => this.show());
    const online = () => {
      session.player?.handle({ type: "wake" });
      session.changed();
    };
    this.listen(window, "online", online);
    this.listen(window, "offline", () => session.changed());
    // A page from the browser's back-forward cache has left the session, so it is loaded again.
    this.listen(window, "pageshow", (event) => event.persisted && location.reload());
    this.tryNow = online;
    this.listen(document, "visibilitychange", () => document.visibilityState === "visible" && online());
    this.listen(document, "resume", online);
    this.listen(window, "pagehide", () => session.player?.leave("close"));
    // Browsers differ in which of these is a person's action that allows sound.
    for (const act of ["pointerdown", "pointerup", "touchend", "click", "keydown"])
      this.listen(window, act, () => {
        session.player?.engine.unlock();
        allowMediaSession();
      });
    startKeys((type, listener) => this.listen(window, type, listener));
    if (store.session === undefined) fill(this, open("view-login"));
    this.refresh();
  }

  refresh() {
    attribute(document.documentElement, "data-theme", store.preferences.theme);
    const isIn = store.session !== undefined && session.player !== undefined;
    if (store.session === undefined && this.wasIn && !store.isKnown) void forgetEverything();
    this.wasIn = store.session !== undefined;
    if (isIn !== this.isIn) {
      this.isIn = isIn;
      if (isIn) this.frame();
      else fill(this, open("view-login"));
    }
    this.refreshBanner();
  }

  frame() {
    routes.leaveWaysIn();
    this.shownKey = "";
    this.main = h("main", { id: "main", tabIndex: -1 });
    this.banner = h("div", { class: "banner", role: "status" });
    const links = PLACES.map(([href, picture, name]) => h("a", { href }, icon(picture), h("span", {}, name)));
    const others = PLACES.slice(FEW).map(([href, picture, name]) => ({
      label: name,
      icon: picture,
      act: () => routes.go(href),
    }));
    others.push({ label: "Keyboard shortcuts", icon: "keyboard", act: () => void showKeys() });
    const more = h(
      "button",
      {
        type: "button",
        class: "places-more",
        "aria-haspopup": "menu",
        onclick: () => openMenu(more, others, "More places"),
      },
      icon("more"),
      h("span", {}, "More"),
    );
    this.more = more;
    const keys = h(
      "button",
      { type: "button", class: "quiet keys-button", onclick: () => void showKeys() },
      icon("keyboard"),
      "Keyboard shortcuts",
    );
    this.nav = h("nav", { "aria-label": "Library" }, links, more);
    const skip = h(
      "a",
      {
        class: "skip",
        href: "#main",
        onclick: (/** @type {Event} */ event) => {
          event.preventDefault();
          this.main?.focus();
        },
      },
      "Skip to the content",
    );
    const brand = h("a", { class: "brand", href: "/" }, sign(28), "Segue");
    fill(
      this,
      skip,
      h(
        "div",
        { class: "frame" },
        h("header", { class: "sidebar" }, brand, this.nav, keys),
        this.banner,
        this.main,
        new PlayerBar(),
      ),
    );
    this.show();
  }

  /** Shows the view of the address: focuses its heading, and restores the scroll position of that history entry. */
  show() {
    const { main, nav } = this;
    if (!main || !nav) return;
    const { tag, id } = routes.view();
    const key = `${tag} ${id}`;
    if (key === this.shownKey && main.firstElementChild) return;
    if (this.shownKey) routes.scrolled.set(this.shownStep, main.scrollTop);
    const isFirst = this.shownKey === "";
    this.shownKey = key;
    this.shownStep = routes.step;
    const view = open(tag, id);
    fill(main, view);
    main.className = tag;
    for (const link of nav.children) {
      attribute(link, "aria-current", link.getAttribute("href") === location.pathname ? "page" : undefined);
    }
    attribute(
      /** @type {Element} */ (this.more),
      "data-here",
      PLACES.slice(FEW).some(([href]) => href === routes.path),
    );
    main.scrollTop = 0;
    if (routes.isReturn) restoreScroll(main, routes.scrolled.get(routes.step) ?? 0);
    if (!isFirst) focusHeading(view);
  }

  /** Shows what is wrong with the connection, and what still works. */
  refreshBanner() {
    const { banner } = this;
    if (!banner) return;
    const { link, player, playback } = session;
    const isBlocked = playback?.status === "blocked" && playback.active?.device_id === session.ownId;
    const wasUp = Boolean(playback);
    clearTimeout(this.bannerTimer);
    if (link === "up")
      return isBlocked
        ? this.say("This browser does not allow sound before a click.", ["Play here", () => player?.engine.unlock()])
        : this.say("");
    if (link === "over" && player?.farewell?.code === 4503) return store.setSession(undefined, LOGIN_ENDED);
    if (link === "over") return this.say(farewell(player?.farewell), ["Connect again", () => location.reload()]);
    const words =
      link === "offline"
        ? "Offline. Music that is kept on this device still plays."
        : wasUp
          ? "No connection to the server. Trying again…"
          : player?.client.link.why === 4009
            ? "Too many devices are connected: remove one. Trying again…"
            : "Connecting to the server…";
    // A short interruption is not shown.
    /** @type {[string, () => void][]} */
    const buttons = [["Try now", () => this.tryNow?.()]];
    if (canKeep()) buttons.push(["Kept music", () => routes.go("/offline")]);
    this.bannerTimer = setTimeout(() => this.say(words, ...buttons), wasUp ? 700 : 1_200);
    return undefined;
  }

  /** @param {string} words @param {[string, () => void][]} buttons the name of each, and what it does */
  say(words, ...buttons) {
    const { banner } = this;
    if (!banner || banner.dataset.words === words) return;
    banner.dataset.words = words;
    banner.hidden = !words;
    fill(
      banner,
      h("span", {}, words),
      buttons.map(([name, act]) => h("button", { type: "button", class: "primary", onclick: act }, name)),
    );
  }
}

/** The element of a view, which is loaded if it has to be. @param {string} tag @param {string} [id] */
function open(tag, id) {
  const view = h(tag, { "data-name": id });
  if (tag in LATER && !customElements.get(tag)) fill(view, skeleton());
  loaded(LATER[tag]?.() ?? Promise.resolve()).catch(({ message }) => fill(view, note("warning", message)));
  return view;
}

/** @param {{code: number, reason: string} | undefined} farewell */
function farewell(farewell) {
  switch (farewell?.code) {
    case 4500:
      return "Another tab has connected as this device.";
    case 4501:
      return "This device was removed from the list.";
    default:
      return "The server ended the connection.";
  }
}

/** @param {HTMLElement} view */
function focusHeading(view) {
  if (view.contains(document.activeElement)) return undefined;
  const now = view.querySelector("h1");
  if (now) return now.focus({ preventScroll: true });
  const observer = new MutationObserver(() => {
    const heading = view.querySelector("h1");
    if (!heading) return;
    observer.disconnect();
    if (document.activeElement === document.body) heading.focus({ preventScroll: true });
  });
  observer.observe(view, { childList: true, subtree: true });
  return undefined;
}

/**
 * Lists grow while their pages are loaded, so the scroll position is tried until it is reached.
 * @param {HTMLElement} main @param {number} top
 */
function restoreScroll(main, top) {
  const until_ms = performance.now() + 1_000;
  const attemptScroll = () => {
    main.scrollTop = top;
    if (Math.abs(main.scrollTop - top) > 1 && performance.now() < until_ms) requestAnimationFrame(attemptScroll);
  };
  attemptScroll();
}

customElements.define("segue-app", SegueApp);
startMediaSession();
startWorker();
document.body.append(h("segue-app"));
