// @ts-check
/** The line-ups of the match at the desk: from the API, or from this device's storage without a network. */

/** @typedef {import("./match-form.js").Lineups} Lineups */

const ANSWER_MS = 10_000;

/** @type {Readonly<Lineups>} */
const NONE = { home: [], away: [] };

export class MatchLineups {
  /** @type {string | null} */
  #match = null;
  /** @type {Lineups} */
  #lineups = NONE;

  /**
   * @param {object} with_
   * @param {typeof globalThis.fetch} with_.fetch
   * @param {import("../device-store.js").RecordStore} with_.shelf
   * @param {() => void} with_.changed
   */
  constructor({ fetch, shelf, changed }) {
    this.fetch = fetch;
    this.shelf = shelf;
    this.changed = changed;
  }

  /** Of the match at the desk. */
  get current() {
    return this.#lineups;
  }

  /** Another match is at the desk. @param {string} match */
  open(match) {
    this.#match = match;
    this.#lineups = NONE;
    this.#take(match, this.shelf.get(`lineups.${match}`)?.value);
    void this.refresh();
  }

  /** Read them again: another operator may have changed them. */
  async refresh() {
    const match = this.#match;
    if (match === null) return;
    const found = await this.read(match);
    if (found) this.put(match, found);
  }

  /** Note what was saved, or read. @param {string} match @param {Lineups} lineups */
  put(match, lineups) {
    this.shelf.put(`lineups.${match}`, lineups, Date.now());
    this.#take(match, lineups);
  }

  /** Those of any match; null if they cannot be read. @param {string} match @returns {Promise<Lineups | null>} */
  async read(match) {
    try {
      const answer = await this.fetch(`/matches/${encodeURIComponent(match)}/lineups`, {
        signal: AbortSignal.timeout(ANSWER_MS),
      });
      const said = answer.ok ? await answer.json() : null;
      return isLineups(said) ? { home: said.home, away: said.away } : null;
    } catch {
      return null;
    }
  }

  /** @param {string} match @param {unknown} lineups */
  #take(match, lineups) {
    if (match !== this.#match || !isLineups(lineups)) return;
    this.#lineups = lineups;
    this.changed();
  }
}

/** @param {any} value @returns {value is Lineups} */
function isLineups(value) {
  return [value?.home, value?.away].every(
    (side) => Array.isArray(side) && side.every((/** @type {unknown} */ name) => typeof name === "string"),
  );
}
