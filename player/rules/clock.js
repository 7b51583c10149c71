/** The server's time as a client knows it: from the probe with the least round trip among the last ones. */

/** Probes sent one after the other on connect and on wake. */
export const BURST = 8;
/** Probes that are remembered. */
const KEPT = 8;
/** How far two clocks may drift apart, as a share: twice what a cheap quartz does. */
const DRIFT = 400e-6;
/**
 * A clock that is known as well as this is taken as it is. Of two devices that switch, both may be wrong by so much, in
 * microseconds: fewer than what one hears as an echo.
 */
const TRUSTED_US = 20_000;
/** A correction up to this, in microseconds, is slewed, so that nothing shown or heard jumps. */
const SLEWED_US = 200_000;
/** The share of passing time by which a correction is slewed. */
const SLEW = 0.02;

export class ServerTime {
  constructor() {
    /** @type {{offset_us: number, trip_us: number}[]} */
    this.samples = [];
    /** What is aimed at, and what was applied at an instant: the difference shrinks with time. */
    this.aim_us = 0;
    this.applied_us = 0;
    this.applied_at_us = 0;
    this.learnt_us = 0;
    this.isFresh = true;
    /** How many answers came since the clock is another. */
    this.answers = 0;
    this.renews = false;
    /** The machine may have slept until this local instant, and nothing was answered that was asked since. */
    this.isDoubted = false;
    this.woke_us = -Infinity;
  }

  /**
   * Another clock: nothing of the old one counts. `now_us` came just now.
   * @param {number} local_us @param {number} now_us
   */
  restart(local_us, now_us) {
    this.samples = [];
    this.renews = false;
    this.isDoubted = false;
    this.isFresh = true;
    this.answers = 0;
    this.aim_us = this.applied_us = now_us - local_us;
    this.applied_at_us = local_us;
  }

  /** The first answer of the next burst replaces all before it. */
  renew() {
    this.renews = true;
  }

  /**
   * The local clock may have stood still in a sleep: nothing is known until something is answered that was asked since.
   * @param {number} local_us
   */
  doubt(local_us) {
    this.renews = true;
    this.isDoubted = true;
    this.woke_us = local_us;
  }

  /**
   * A probe sent at `client_us` was answered, and the answer came at `local_us`.
   * @param {number} client_us @param {number} received_us @param {number} sent_us @param {number} local_us
   */
  learn(client_us, received_us, sent_us, local_us) {
    const trip_us = local_us - client_us - (sent_us - received_us);
    if (trip_us < 0 || client_us < this.woke_us) return;
    this.isDoubted = false;
    if (this.renews) this.samples = [];
    this.renews = false;
    // What was learnt long ago may be wrong by what both clocks have drifted since.
    const drifted_us = Math.max(0, local_us - this.learnt_us) * DRIFT;
    for (const sample of this.samples) sample.trip_us += 2 * drifted_us;
    this.learnt_us = local_us;
    if (this.samples.length === KEPT) this.samples.shift();
    this.samples.push({ offset_us: Math.floor((received_us - client_us + (sent_us - local_us)) / 2), trip_us });
    const applied_us = this.at(local_us) - local_us;
    this.aim_us = this.best()?.offset_us ?? this.aim_us;
    // In the first burst nothing is shown or heard that could jump.
    this.answers += 1;
    const jumps = this.isFresh || this.answers <= BURST || Math.abs(this.aim_us - applied_us) > SLEWED_US;
    this.applied_us = jumps ? this.aim_us : applied_us;
    this.applied_at_us = local_us;
    this.isFresh = false;
  }

  best() {
    return this.samples.reduce(
      (best, sample) => (best && best.trip_us <= sample.trip_us ? best : sample),
      /** @type {{offset_us: number, trip_us: number} | undefined} */ (undefined),
    );
  }

  /** The server's time at `local_us` of the client's clock. @param {number} local_us */
  at(local_us) {
    const most_us = Math.max(0, local_us - this.applied_at_us) * SLEW;
    const apart_us = this.aim_us - this.applied_us;
    return Math.round(local_us + this.applied_us + Math.max(-most_us, Math.min(most_us, apart_us)));
  }

  /**
   * The client's time at the server's instant, by what is known at `local_us`.
   * @param {number} instant_us @param {number} local_us
   */
  local(instant_us, local_us) {
    return local_us + (instant_us - this.at(local_us));
  }

  /**
   * How much earlier to be silent and later to sound at a shared instant, because the clock is known badly: a gap,
   * where it would be an overlap. Of a clock that nothing is known of, what the server said last is too early: 0.
   */
  caution_us() {
    return Math.max(0, (this.known_us() ?? 0) - TRUSTED_US);
  }

  /**
   * How far `at` may be off in microseconds, by what is not slewed yet, too; `undefined` before the first answer, and
   * after a sleep.
   */
  bound_us() {
    return this.isDoubted ? undefined : this.known_us();
  }

  /** The same by what was known before a sleep, too. */
  known_us() {
    const best = this.best();
    return best && best.trip_us / 2 + Math.abs(this.aim_us - this.applied_us);
  }
}
