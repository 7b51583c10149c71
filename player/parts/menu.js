/** A menu at a button: arrow keys move, Escape and a click elsewhere close it, focus returns to the button. */

import { h } from "./dom.js";
import { icon } from "./icons.js";

/** @typedef {{label: string, icon: string, act: () => void} | undefined | false} Entry */

/**
 * @param {HTMLElement} button @param {Entry[]} entries @param {string} label
 * @param {{clientX: number, clientY: number}} [pointer] where the menu opens; without it at the button
 */
export function openMenu(button, entries, label, pointer) {
  const known = entries.filter((entry) => entry !== undefined && entry !== false);
  const items = known.map((entry) =>
    h(
      "button",
      {
        type: "button",
        role: "menuitem",
        tabIndex: -1,
        onclick: () => {
          close();
          button.focus();
          entry.act();
        },
      },
      icon(entry.icon),
      entry.label,
    ),
  );
  const menu = h("div", { class: "menu", role: "menu", "aria-label": label, popover: "auto" }, items);
  const close = () => menu.hidePopover();
  menu.addEventListener("keydown", (event) => {
    const at = items.indexOf(/** @type {any} */ (document.activeElement));
    const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: items.length - 1 }[event.key];
    if (to === undefined && event.key !== "Tab") return;
    event.preventDefault();
    if (to === undefined) close();
    else items.at(to % items.length)?.focus();
  });
  menu.addEventListener("toggle", (event) => {
    if (/** @type {ToggleEvent} */ (event).newState !== "closed") return;
    menu.remove();
    if (!document.activeElement || document.activeElement === document.body) button.focus();
  });
  document.body.append(menu);
  menu.showPopover();
  if (pointer) placeAt(menu, pointer);
  else place(menu, button);
  items[0]?.focus();
}

/**
 * Puts a panel's corner at the pointer, on the side where there is room.
 * @param {HTMLElement} panel @param {{clientX: number, clientY: number}} pointer
 */
function placeAt(panel, { clientX, clientY }) {
  const { offsetWidth: width, offsetHeight: height } = panel;
  const left = clientX + width + 8 < innerWidth ? clientX : clientX - width;
  const top = clientY + height + 8 < innerHeight ? clientY : clientY - height;
  panel.style.left = `${Math.max(8, Math.min(left, innerWidth - width - 8))}px`;
  panel.style.top = `${Math.max(8, Math.min(top, innerHeight - height - 8))}px`;
}

/**
 * Puts a panel below the button, or above it where there is no room, and never beyond the edge of the page.
 * @param {HTMLElement} panel @param {HTMLElement} button
 * @param {HTMLElement} [beside] an element that must not be covered
 */
export function place(panel, button, beside = button) {
  const at = button.getBoundingClientRect();
  const over = beside.getBoundingClientRect();
  const { offsetWidth: width, offsetHeight: height } = panel;
  const top = at.bottom + height + 8 < innerHeight ? at.bottom + 4 : Math.max(8, over.top - height - 4);
  panel.style.left = `${Math.max(8, Math.min(at.right - width, innerWidth - width - 8))}px`;
  panel.style.top = `${top}px`;
}
