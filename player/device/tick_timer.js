/** Wakes the rules at their next deadline, and notices that the machine has slept. */

/** The longest wait, in milliseconds: a longer one would overflow the timers of some browsers. */
const LONGEST_MS = 60_000;
/** The wall clock and the steady clock drift apart by more than this only in a sleep, in milliseconds. */
const SLEPT_MS = 3_000;

export class TickTimer {
  /**
   * @param {{
   *   wait_ms: () => number, tick: () => void, woke: () => void,
   *   wall_ms: () => number, steady_ms: () => number
   * }} world the time to the next deadline in milliseconds, what to do then, what to do after a sleep, and both clocks
   */
  constructor(world) {
    this.world = world;
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this.timer = undefined;
    this.apart_ms = this.clocksApart();
  }

  /** The wall clock less the steady one: some machines stop the steady clock while they sleep. */
  clocksApart() {
    return this.world.wall_ms() - this.world.steady_ms();
  }

  /** Plans the next tick, in place of the one that was planned. */
  plan() {
    clearTimeout(this.timer);
    const wait_ms = this.world.wait_ms();
    if (wait_ms === Infinity) return;
    this.timer = setTimeout(() => this.run(), Math.ceil(Math.min(LONGEST_MS, Math.max(0, wait_ms))));
  }

  run() {
    const apart_ms = this.clocksApart();
    const hasSlept = Math.abs(apart_ms - this.apart_ms) > SLEPT_MS;
    this.apart_ms = apart_ms;
    if (hasSlept) this.world.woke();
    this.world.tick();
  }

  end() {
    clearTimeout(this.timer);
  }
}
