/**
 * A list or grid of any length, of which only the part in view is on the page. Arrow keys move from entry to entry; Tab
 * goes through the entry that had the focus last.
 */

import { Component, attribute, fill, h, sentence } from "./dom.js";
import { icon } from "./icons.js";

/** Rows that are created beyond the edges of the view. */
const BEYOND = 6;

/**
 * @typedef {{
 *   total?: number, error?: Error, get: (index: number) => any, want: (from: number, to: number) => void,
 *   again?: () => void, watch: (watcher: () => void) => () => void
 * }} Source where an `error` is shown, `again` asks again
 */

export class VirtualList extends Component {
  /**
   * @param {{source: Source, row: (item: any, index: number) => HTMLElement, rowHeight: number, minWidth?: number,
   *   label: string, empty?: HTMLElement | string, under?: HTMLElement}} options in pixels; `under` stays at the upper
   *   edge while the list scrolls; with `minWidth` there are as many columns as
   *   fit, each `rowHeight` higher than it is wide
   */
  constructor(options) {
    super();
    this.options = options;
    /** @type {Map<number, {item: any, element: HTMLElement}>} */
    this.shown = new Map();
    this.focused = 0;
    /** Which control of an entry has the focus, if it is not the first one. */
    this.focusedPart = "";
    /** The entry that is not loaded yet and gets the focus when it is. */
    this.awaited = -1;
    this.columns = 1;
    this.height = options.rowHeight;
    this.frame = 0;
    /** The text of the note. @type {string | undefined} */
    this.said = undefined;
    this.window = h("div", {
      class: options.minWidth ? "window grid" : "window",
      role: "list",
      "aria-label": options.label,
    });
    this.note = h("div", { class: "note", role: "status" });
  }

  build() {
    fill(this, this.window, this.note);
    this.scroller = /** @type {HTMLElement} */ (this.closest("main") ?? document.documentElement);
    this.observe(this.options.source, () => this.later());
    this.listen(this.scroller, "scroll", () => this.later());
    this.listen(this, "keydown", (event) => this.key(event));
    this.listen(this, "focusin", (event) => this.focusIn(event));
    const observer = new ResizeObserver(() => this.later());
    observer.observe(this);
    observer.observe(this.scroller);
    this.endings.push(() => observer.disconnect());
    this.options.source.want(0, 1);
    this.later();
  }

  later() {
    this.frame ||= requestAnimationFrame(() => {
      this.frame = 0;
      if (this.isConnected) this.draw();
    });
  }

  draw() {
    const { source, minWidth, rowHeight } = this.options;
    const total = source.total ?? 0;
    this.columns = minWidth ? Math.max(2, Math.floor((this.clientWidth + 16) / (minWidth + 16))) : 1;
    const width = (this.clientWidth + 16) / this.columns - 16;
    this.height = minWidth ? Math.round(width) + rowHeight : rowHeight;
    const rows = Math.ceil(total / this.columns);
    const above = (this.scroller?.getBoundingClientRect().top ?? 0) - this.getBoundingClientRect().top;
    const first = Math.max(0, Math.floor(above / this.height) - BEYOND);
    const last = Math.min(rows, Math.ceil((above + (this.scroller?.clientHeight ?? 0)) / this.height) + BEYOND);
    const [from, to] = [first * this.columns, Math.min(total, last * this.columns)];
    this.window.style.setProperty("--columns", String(this.columns));
    this.window.style.setProperty("--row", `${this.height}px`);
    this.window.style.height = `${rows * this.height}px`;
    this.window.style.paddingTop = `${first * this.height}px`;
    this.window.classList.toggle("waiting", source.total === undefined && !source.error);
    if (to > from) source.want(from, to);
    this.place(from, to);
    this.say();
  }

  /** @param {number} from @param {number} to */
  place(from, to) {
    const { source, row, label } = this.options;
    for (const [index, { element }] of this.shown) {
      if (index >= from && index < to) continue;
      element.remove();
      this.shown.delete(index);
    }
    let before = /** @type {HTMLElement | null} */ (null);
    for (let index = to - 1; index >= from; index -= 1) {
      const item = source.get(index);
      let known = this.shown.get(index);
      if (!known || known.item !== item) {
        const element =
          item === undefined ? h("div", { class: "skeleton", "aria-label": `${label}: loading` }) : row(item, index);
        element.setAttribute("role", "listitem");
        element.setAttribute("aria-posinset", String(index + 1));
        element.dataset.index = String(index);
        const hadFocus = known?.element.contains(document.activeElement);
        const mayFocus = hadFocus || (index === this.awaited && document.activeElement === document.body);
        known?.element.remove();
        known = { item, element };
        this.shown.set(index, known);
        this.reach(element, index === this.focused);
        this.window.insertBefore(element, before);
        if (mayFocus) this.focusOn(index, element);
      }
      before = known.element;
    }
    const reachable = Math.max(from, Math.min(this.focused, to - 1));
    for (const [index, { element }] of this.shown) {
      attribute(element, "aria-setsize", String(source.total));
      this.reach(element, index === reachable);
    }
  }

  /** @param {HTMLElement} element @param {boolean} byTab */
  reach(element, byTab) {
    for (const control of element.querySelectorAll("a, button, input"))
      /** @type {HTMLElement} */ (control).tabIndex = byTab ? 0 : -1;
  }

  /** @param {number} index @param {HTMLElement} element */
  focusOn(index, element) {
    const same = this.focusedPart && /** @type {HTMLElement | null} */ (element.querySelector(this.focusedPart));
    const control = same || this.primary(element);
    this.awaited = control ? -1 : index;
    control?.focus({ preventScroll: true });
  }

  /** @param {HTMLElement} element @returns {HTMLElement | null} */
  primary(element) {
    return element.querySelector("[data-primary]") ?? element.querySelector("a, button");
  }

  /** The note at the lower edge of the view: that something could not be loaded, or that the list is empty. */
  say() {
    const { source, empty } = this.options;
    const { error, total } = source;
    const said = error?.message ?? (total === 0 ? "empty" : "");
    if (said === this.said) return;
    this.said = said;
    const hadFocus = this.note.contains(document.activeElement);
    this.note.hidden = !said;
    this.note.classList.toggle("edge", Boolean(error && total));
    if (error)
      fill(
        this.note,
        icon("warning"),
        h("p", {}, sentence(said)),
        h("button", { type: "button", onclick: () => source.again?.() }, "Try again"),
      );
    else fill(this.note, said && (empty ?? "This list is empty."));
    const entry = this.shown.values().next().value?.element;
    if (hadFocus && entry) this.primary(entry)?.focus({ preventScroll: true });
  }

  /** @param {FocusEvent} event */
  focusIn(event) {
    const entry = /** @type {HTMLElement} */ (event.target).closest("[data-index]");
    if (!(entry instanceof HTMLElement)) return;
    this.focused = Number(entry.dataset.index);
    this.focusedPart = /** @type {HTMLElement} */ (event.target).matches(".grip") ? ".grip" : "";
  }

  /** @param {KeyboardEvent} event */
  key(event) {
    const total = this.options.source.total ?? 0;
    const page = Math.max(1, Math.floor((this.scroller?.clientHeight ?? 0) / this.height) - 1) * this.columns;
    /** @type {Record<string, number>} */
    const moves = {
      ArrowDown: this.columns,
      ArrowUp: -this.columns,
      PageDown: page,
      PageUp: -page,
      Home: -total,
      End: total,
    };
    if (this.columns > 1) Object.assign(moves, { ArrowRight: 1, ArrowLeft: -1 });
    const move = moves[event.key];
    const isTyping = event.target instanceof HTMLInputElement;
    if (move === undefined || isTyping || event.shiftKey || event.altKey || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    this.focusEntry(Math.max(0, Math.min(total - 1, this.focused + move)));
  }

  /** Scrolls so that an entry stands below a quarter of the view; Tab reaches it first. @param {number} index */
  reveal(index) {
    const { scroller } = this;
    if (!scroller) return;
    this.focused = index;
    this.draw();
    const top = this.getBoundingClientRect().top - scroller.getBoundingClientRect().top;
    const covered = this.options.under?.offsetHeight ?? 0;
    const room = Math.max(scroller.clientHeight / 4, covered + this.height / 2);
    scroller.scrollTop += top + Math.floor(index / this.columns) * this.height - room;
    this.draw();
  }

  /** Scrolls to an entry of a list that may be new on the page, and gives it the focus. @param {number} index */
  goTo(index) {
    this.draw();
    this.focusEntry(index);
  }

  /** @param {number} index @param {string} [part] which control of the entry */
  focusEntry(index, part = this.focusedPart) {
    this.focused = index;
    this.focusedPart = part;
    const { scroller } = this;
    if (!scroller) return;
    const top =
      this.getBoundingClientRect().top -
      scroller.getBoundingClientRect().top +
      Math.floor(index / this.columns) * this.height;
    const covered = this.options.under?.offsetHeight ?? 0;
    if (top < covered) scroller.scrollTop += top - covered - 8;
    else if (top + this.height > scroller.clientHeight)
      scroller.scrollTop += top + this.height - scroller.clientHeight + 8;
    this.draw();
    const entry = this.shown.get(index);
    if (entry) this.focusOn(index, entry.element);
  }
}

customElements.define("virtual-list", VirtualList);
