/** The handle that moves a row of a list: by dragging it, or with Alt and the arrow keys. */

import { h } from "./dom.js";
import { icon } from "./icons.js";
import { ROW } from "./track_list.js";

/** How far the list scrolls in one frame while a row is held at its edge, in pixels. */
const EDGE_STEP = 10;

/** @param {string} name @param {number} index @param {(to: number) => unknown} move moves the row to that index */
export function grip(name, index, move) {
  const label = `Move ${name}: drag, or Alt with the arrow keys`;
  const handle = h(
    "button",
    { type: "button", class: "icon-button grip", "aria-label": label, title: label },
    icon("grip"),
  );
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
    drag(row, event, index, move);
  });
  return handle;
}

/**
 * A copy of the row follows the pointer, because the row itself may leave the page when the list scrolls. A line shows
 * between which rows it would land.
 * @param {HTMLElement} row @param {PointerEvent} start @param {number} index the row's
 * @param {(to: number) => unknown} move called with the index to move it to
 */
function drag(row, start, index, move) {
  const scroller = row.closest("main") ?? document.documentElement;
  const { left, top, width } = row.getBoundingClientRect();
  const likeness = /** @type {HTMLElement} */ (row.cloneNode(true));
  likeness.inert = true;
  likeness.classList.add("dragged");
  likeness.style.cssText = `left: ${left}px; top: ${top}px; width: ${width}px`;
  const line = h("div", { class: "drop-line", hidden: true });
  document.body.append(likeness, line);
  const last = Number(row.getAttribute("aria-setsize") ?? Infinity) - 1;
  const from_top = scroller.scrollTop;
  document.documentElement.setPointerCapture(start.pointerId);
  const from = start.clientY + scroller.scrollTop;
  let at = start.clientY;
  let frame = 0;
  const target = () => Math.max(0, Math.min(last, index + Math.round((at + scroller.scrollTop - from) / ROW)));
  const follow = () => {
    const view = scroller.getBoundingClientRect();
    scroller.scrollTop +=
      at < Math.min(start.clientY, view.top + ROW)
        ? -EDGE_STEP
        : at > Math.max(start.clientY, view.bottom - ROW)
          ? EDGE_STEP
          : 0;
    likeness.style.translate = `0 ${at - start.clientY}px`;
    const by = target() - index;
    const line_y = top + (by > 0 ? by + 1 : by) * ROW - (scroller.scrollTop - from_top);
    line.hidden = by === 0 || line_y < view.top || line_y > view.bottom;
    line.style.cssText = `left: ${left}px; top: ${line_y}px; width: ${width}px`;
    frame = requestAnimationFrame(follow);
  };
  follow();
  const done = new AbortController();
  const end = (/** @type {boolean} */ isMeant) => {
    done.abort();
    cancelAnimationFrame(frame);
    likeness.remove();
    line.remove();
    const to = target();
    if (isMeant && to !== index) move(to);
  };
  const { signal } = done;
  const mine = (/** @type {(event: PointerEvent) => void} */ act) => (/** @type {PointerEvent} */ event) =>
    event.pointerId === start.pointerId && act(event);
  addEventListener(
    "pointermove",
    mine(({ clientY }) => void (at = clientY)),
    { signal },
  );
  addEventListener(
    "pointerup",
    mine(({ clientY }) => {
      at = clientY;
      end(true);
    }),
    { signal },
  );
  addEventListener(
    "pointercancel",
    mine(() => end(false)),
    { signal },
  );
  addEventListener("keydown", (event) => event.key === "Escape" && end(false), { signal });
}
