/** Time that passes at once, for the library's timers and clocks. */

const REAL = { setTimeout: globalThis.setTimeout, clearTimeout: globalThis.clearTimeout, now: Date.now };

/** Wait until the callbacks of settled promises have run. */
const settled = () => new Promise((resolve) => setImmediate(resolve));

export class VirtualTime {
  /** In ms. */
  now = 0;
  #numbers = 0;
  /** @type {Map<number, {at: number, call: () => void}>} */
  #waiting = new Map();

  /** @param {number} wait in ms @param {() => void} call @returns {number} */
  after(wait, call) {
    const number = ++this.#numbers;
    this.#waiting.set(number, { at: this.now + Math.max(0, wait), call });
    return number;
  }

  /** Run with these timers and clocks in place of the real ones. @template T @param {() => Promise<T>} work @returns {Promise<T>} */
  async within(work) {
    const clock = performance.now;
    /** @type {any} */ (globalThis).setTimeout = (/** @type {() => void} */ call, wait = 0) => this.after(wait, call);
    /** @type {any} */ (globalThis).clearTimeout = (/** @type {number} */ number) => this.#waiting.delete(number);
    Date.now = () => 1_800_000_000_000 + this.now;
    performance.now = () => this.now;
    try {
      return await work();
    } finally {
      Object.assign(globalThis, { setTimeout: REAL.setTimeout, clearTimeout: REAL.clearTimeout });
      Date.now = REAL.now;
      performance.now = clock;
    }
  }

  /** Let so much time pass. @param {number} span in ms */
  async pass(span) {
    const end = this.now + span;
    for (;;) {
      await settled();
      let [number, next] = [0, { at: Number.POSITIVE_INFINITY, call: () => {} }];
      for (const [each, one] of this.#waiting) if (one.at < next.at) [number, next] = [each, one];
      if (next.at > end) break;
      this.#waiting.delete(number);
      this.now = next.at;
      next.call();
    }
    this.now = end;
  }
}
