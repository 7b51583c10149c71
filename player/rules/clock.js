/** An estimate of the server's time: from the probe with the shortest round trip among the last ones. */

/** Probes that are sent one after the other after a connect or a wake-up. */
export const BURST = 8;
/** Probes that are remembered. */
const KEPT = 8;
/** The largest drift between two clocks, as a fraction: twice that of a cheap quartz. */
const DRIFT = 400e-6;
/**
 * A clock with an error bound up to this is used without precautions, in microseconds. When two devices switch, both
 * clocks may be off by this much, which is too little to be heard as an echo.
 */
const TRUSTED_US = 20_000;
/** A correction of up to this many microseconds is applied gradually, so that neither screen nor audio jumps. */
const SLEWED_US = 200_000;
/** The rate at which a correction is applied, as a fraction of the time that passes. */
const SLEW = 0.02;

export class ServerTime {
  constructor() {
    /** @type {{offset_us: number, trip_us: number}[]} */
    this.samples = [];
    /** The wanted offset, and the offset that was applied at `applied_at_us`. The difference is removed gradually. */
    this.aim_us = 0;
    this.applied_us = 0;
    this.applied_at_us = 0;
    this.learnt_us = 0;
    this.isFresh = true;
    /** Probes that were answered since the server's clock changed. */
    this.answers = 0;
    this.renews = false;
    /** The machine may have slept until `woke_us` of local time, and no probe sent since then was answered. */
    this.isDoubted = false;
    this.woke_us = -Infinity;
  }

  /**
   * The server has another clock: forgets everything about the earlier one. Its time is `now_us` at `local_us`.
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

  /** The first answer of the next burst replaces all earlier ones. */
  renew() {
    this.renews = true;
  }

  /**
   * The local clock may have stopped during a sleep: the time is unknown until a probe that is sent after `local_us` is
   * answered.
   * @param {number} local_us
   */
  doubt(local_us) {
    this.renews = true;
    this.isDoubted = true;
    this.woke_us = local_us;
  }

  /**
   * A probe that was sent at `client_us` was answered; the answer arrived at `local_us`.
   * @param {number} client_us @param {number} received_us @param {number} sent_us @param {number} local_us
   */
  learn(client_us, received_us, sent_us, local_us) {
    const trip_us = local_us - client_us - (sent_us - received_us);
    if (trip_us < 0 || client_us < this.woke_us) return;
    this.isDoubted = false;
    if (this.renews) this.samples = [];
    this.renews = false;
    // Earlier samples are less exact now, because both clocks have drifted since.
    const drifted_us = this.drifted_us(local_us);
    for (const sample of this.samples) sample.trip_us += 2 * drifted_us;
    this.learnt_us = local_us;
    if (this.samples.length === KEPT) this.samples.shift();
    this.samples.push({ offset_us: Math.floor((received_us - client_us + (sent_us - local_us)) / 2), trip_us });
    const applied_us = this.at(local_us) - local_us;
    this.aim_us = this.best()?.offset_us ?? this.aim_us;
    // Before the end of the first burst nothing is shown or played that could jump.
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

  /** The server's time at `local_us` of the client's clock, in microseconds. @param {number} local_us */
  at(local_us) {
    const most_us = Math.max(0, local_us - this.applied_at_us) * SLEW;
    const apart_us = this.aim_us - this.applied_us;
    return Math.round(local_us + this.applied_us + Math.max(-most_us, Math.min(most_us, apart_us)));
  }

  /**
   * The client's time at an instant of the server's clock, as known at `local_us`, in microseconds.
   * @param {number} instant_us @param {number} local_us
   */
  local(instant_us, local_us) {
    return local_us + (instant_us - this.at(local_us));
  }

  /**
   * How much earlier to be silent and later to play at a shared instant, in microseconds, because the clock is not
   * exact: the result is a gap instead of an overlap. 0 before the first answer, when the estimate is late anyway.
   */
  caution_us() {
    return Math.max(0, (this.known_us() ?? 0) - TRUSTED_US);
  }

  /**
   * The error bound of `at` at the last answer, in microseconds, including what is not applied yet; `undefined` before
   * the first answer, and after a sleep.
   */
  bound_us() {
    return this.isDoubted ? undefined : this.known_us();
  }

  /** The same with what the clocks may have drifted since. @param {number} local_us */
  boundAt(local_us) {
    const bound_us = this.bound_us();
    return bound_us === undefined ? undefined : bound_us + this.drifted_us(local_us);
  }

  /** Whether `at` may be off by more than a switch allows at `local_us`. @param {number} local_us */
  isRough(local_us) {
    return (this.boundAt(local_us) ?? 0) > TRUSTED_US;
  }

  /** By how many microseconds the clocks may have drifted apart since the last answer. @param {number} local_us */
  drifted_us(local_us) {
    return Math.max(0, local_us - this.learnt_us) * DRIFT;
  }

  /** The error bound that was known last, also after a sleep. */
  known_us() {
    const best = this.best();
    return best && best.trip_us / 2 + Math.abs(this.aim_us - this.applied_us);
  }
}
