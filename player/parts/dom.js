/** Creating elements, and the base class of all components. */

import { outside } from "../root.js";

/** @typedef {Node | string | number | false | null | undefined} Child */

/**
 * Creates an element with properties, listeners (`onclick`), attributes and children. A `href` that begins with a slash
 * is an address of the player.
 * @template {string} T
 * @param {T} tag @param {Record<string, any>} [properties] @param {...(Child | Child[])} children
 * @returns {T extends keyof HTMLElementTagNameMap ? HTMLElementTagNameMap[T] : HTMLElement}
 */
export function h(tag, properties = {}, ...children) {
  const element = /** @type {any} */ (document.createElement(tag));
  for (const [name, value] of Object.entries(properties)) set(element, name, value);
  fill(element, ...children);
  return element;
}

/** @param {HTMLElement} element @param {string} name @param {any} value */
function set(element, name, value) {
  if (value === undefined || value === null || value === false) return;
  if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
  else if (name === "href" && value.startsWith("/")) element.setAttribute(name, outside(value));
  else if (name === "class") element.className = value;
  else if (name === "style") element.style.cssText = value;
  else if (name in element && !name.includes("-") && name !== "list" && name !== "role")
    Object.assign(element, { [name]: value });
  else element.setAttribute(name, value === true ? "" : String(value));
}

/** Replaces the children of an element. @param {Element} element @param {...(Child | Child[])} children */
export function fill(element, ...children) {
  const known = children.flat().filter((child) => child !== undefined && child !== null && child !== false);
  element.replaceChildren(
    .../** @type {(Node | string)[]} */ (known.map((child) => (typeof child === "number" ? String(child) : child))),
  );
}

/** What stands for a list that is being loaded. */
export const skeleton = () =>
  h("div", { class: "waiting", role: "status" }, h("span", { class: "unseen" }, "Loading…"));

/**
 * Sets or removes an attribute, unless it has that value.
 * @param {Element} element @param {string} name @param {string | boolean | undefined} value
 */
export function attribute(element, name, value) {
  if (value === undefined || value === false) element.removeAttribute(name);
  else if (element.getAttribute(name) !== String(value)) element.setAttribute(name, value === true ? "" : value);
}

/** @param {Element} element @param {string} text */
export function say(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** @param {string} text @returns {string} with a capital letter and a full stop */
export function sentence(text) {
  const first = text.charAt(0).toUpperCase() + text.slice(1);
  return /[.!?…]$/.test(first) ? first : `${first}.`;
}

/** The base class of components. It watches others only while it is on the page. */
export class Component extends HTMLElement {
  constructor() {
    super();
    /** @type {(() => void)[]} */
    this.endings = [];
    this.gone = new AbortController();
  }

  connectedCallback() {
    this.gone = new AbortController();
    this.build();
  }

  disconnectedCallback() {
    this.gone.abort();
    for (const end of this.endings.splice(0)) end();
  }

  /** Creates the content; implemented by each component. */
  build() {}

  /** @param {{watch: (watcher: () => void) => () => void}} watched @param {() => void} watcher */
  observe(watched, watcher) {
    this.endings.push(watched.watch(watcher));
  }

  /** @param {EventTarget} target @param {string} type @param {(event: any) => void} listener */
  listen(target, type, listener) {
    target.addEventListener(type, listener, { signal: this.gone.signal });
  }
}
