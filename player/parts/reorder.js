/** The handle that moves a row of a list: by dragging it, or with Alt and the arrow keys. */

import { h } from "./dom.js";
import { icon } from "./icons.js";
import { ROW } from "./track_list.js";

/**
 * @param {string} name @param {number} index @param {(to: number) => void} move the row is to be at that index
 */
export function grip(name, index, move) {
  const label = `Move ${name}: drag, or Alt with the arrow keys`;
  const handle = h("button", { type: "button", class: "icon-button grip", "aria-label": label, title: label }, icon("grip"));
  handle.addEventListener("keydown", (event) => {
    const by = { ArrowUp: -1, ArrowDown: 1 }[event.key];
    if (by === undefined || !event.altKey) return;
    event.preventDefault();
    event.stopPropagation();
    move(index + by);
  });
  handle.addEventListener("pointerdown", (event) => {
    const row = handle.closest(".row");
    if (!(row instanceof HTMLElement) || event.button !== 0) return;
    event.preventDefault();
    handle.setPointerCapture(event.pointerId);
    row.classList.add("dragged");
    const start = event.clientY;
    /** @param {PointerEvent} moved */
    const follow = (moved) => void (row.style.translate = `0 ${moved.clientY - start}px`);
    /** @param {PointerEvent} ended */
    const end = (ended) => {
      handle.removeEventListener("pointermove", follow);
      row.classList.remove("dragged");
      row.style.translate = "";
      const by = Math.round((ended.clientY - start) / ROW);
      if (by !== 0 && ended.type === "pointerup") move(Math.max(0, index + by));
    };
    handle.addEventListener("pointermove", follow);
    handle.addEventListener("pointerup", end, { once: true });
    handle.addEventListener("pointercancel", end, { once: true });
  });
  return handle;
}
