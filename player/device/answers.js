/** The promises of commands that were sent: kept when the server has answered, and broken off with words for people. */

/** @import {Refusal} from "../rules/types.js" */

/** A command is reported as waiting when it has no answer after this long, by whether there is a connection. */
export const ANSWER_MS = { connected: 8_000, away: 1_000 };

/** @typedef {{queue_length?: number}} Done what the server says of a command that is done */

/** A command that was refused, or is not done yet. */
export class Refused extends Error {
  /** @param {string} code @param {string} message */
  constructor(code, message) {
    super(message);
    this.code = code;
  }
}

export class Answers {
  /** @param {(error: Error) => void} onLateRefusal told when a command that was reported as waiting is refused */
  constructor(onLateRefusal) {
    this.onLateRefusal = onLateRefusal;
    /** @typedef {ReturnType<typeof setTimeout>} Timer */
    /**
     * By the command's id.
     * @type {Map<string, {done: (done: Done) => void, refused: (error: Error) => void, timer?: Timer}>}
     */
    this.open = new Map();
  }

  /**
   * Resolves when the command is answered; rejects when it is refused, or reported as waiting.
   * @param {string} id @param {() => boolean} isConnected @returns {Promise<Done>}
   */
  of(id, isConnected) {
    return new Promise((done, refused) => {
      const timer = setTimeout(
        () => {
          refused(new Refused("waiting", isConnected() ? SLOW : AWAY));
          // It was said that the command will be done, so its refusal must be told as well.
          const late = (/** @type {Error} */ error) =>
            this.onLateRefusal(new Error(`A command that was waiting was not done: ${error.message}`));
          this.open.set(id, { done: () => undefined, refused: late });
        },
        isConnected() ? ANSWER_MS.connected : ANSWER_MS.away,
      );
      this.open.set(id, { done, refused, timer });
    });
  }

  /** The answer to a command. @param {string} id @param {Refusal} [refusal] @param {Done} [done] */
  answered(id, refusal, done = {}) {
    const answer = this.open.get(id);
    this.open.delete(id);
    clearTimeout(answer?.timer);
    if (refusal) answer?.refused(new Refused(refusal.code, refusal.message));
    else answer?.done(done);
  }

  /** There will be no answers: aborts every command that was not reported as waiting. */
  end() {
    for (const { timer, refused } of this.open.values()) {
      if (timer === undefined) continue;
      clearTimeout(timer);
      refused(new DOMException("", "AbortError"));
    }
    this.open.clear();
  }
}

const SLOW = "The server is slow to answer. This will be done when it does.";
const AWAY = "The server is away. This will be done when it is back, if this page stays open.";
