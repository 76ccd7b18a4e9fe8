// @ts-check
/**
 * Entries of the outbox in the browser's storage, one key each, so that two windows do not write over each other.
 *
 * If the storage refuses an entry (it is full or switched off), the entry stays in memory, and `durable` is false from
 * then on.
 */

import { inEpoch, inOrder, readEntry } from "./outbox.js";

/** @typedef {import("./outbox.js").Entry} Entry */

const PREFIX = "livescore.outbox.1/";

export class OutboxStore {
  /** Whether all entries would survive a reload. */
  durable = true;
  /** @type {Storage | null} */
  #storage;
  /** @type {Map<string, Entry>} */
  #memory = new Map();
  /** @type {Set<() => void>} */
  #listeners = new Set();

  /** @param {Storage | null} storage null if the browser gives none */
  constructor(storage) {
    this.#storage = storage;
    this.durable = storage !== null;
  }

  /** Have `fn` called after every change. @param {() => void} fn */
  onChange(fn) {
    this.#listeners.add(fn);
  }

  /** Note that another window wrote. @param {string | null} key as in a `storage` event; null if all was cleared */
  changedElsewhere(key) {
    if (key === null || key.startsWith(PREFIX)) this.#changed();
  }

  /** Entries of one match, or of all, in order. @param {string} [match] @returns {Entry[]} */
  entries(match) {
    const found = new Map(this.#stored().map((entry) => [keyOf(entry), entry]));
    for (const [key, entry] of this.#memory) found.set(key, entry);
    return inOrder([...found.values()].filter((entry) => match === undefined || entry.match === match));
  }

  /** The matches that have entries. @returns {Set<string>} */
  matches() {
    return new Set(this.entries().map((entry) => entry.match));
  }

  /** One entry as it is now. @param {{match: string, id: string}} of @returns {Entry | null} */
  read(of) {
    const key = keyOf(of);
    return this.#memory.get(key) ?? parsed(this.#storage?.getItem(key));
  }

  /** Keep entries. @param {...Entry} entries */
  put(...entries) {
    for (const entry of entries) this.#write(entry);
    if (entries.length) this.#changed();
  }

  /**
   * Change an entry as it is now; others may have changed it meanwhile.
   *
   * @param {{match: string, id: string}} of
   * @param {(entry: Entry) => Entry} change
   * @returns {Entry | null} the entry afterwards, null if there is none
   */
  update(of, change) {
    const entry = this.read(of);
    if (entry === null) return null;
    const after = change(entry);
    if (after !== entry) this.put(after);
    return after;
  }

  /** Note that a match is of an epoch, which may be another than before. @param {string} match @param {string} epoch */
  settleEpoch(match, epoch) {
    const { changed, gone } = inEpoch(this.entries(match), epoch);
    for (const entry of gone) this.remove(entry);
    this.put(...changed);
  }

  /** Forget an entry. @param {{match: string, id: string}} of */
  remove(of) {
    this.#memory.delete(keyOf(of));
    this.#storage?.removeItem(keyOf(of));
  }

  /** @param {Entry} entry */
  #write(entry) {
    const key = keyOf(entry);
    // Remove the stored entry, which is out of date: a reload would take it for the present one.
    if (this.#keep(key, entry) || (this.#discard(key) && this.#keep(key, entry))) this.#memory.delete(key);
    else this.#memory.set(key, entry);
    this.durable = this.#memory.size === 0;
  }

  /** @param {string} key @param {Entry} entry @returns {boolean} whether the storage took it */
  #keep(key, entry) {
    try {
      this.#storage?.setItem(key, JSON.stringify(entry));
      return this.#storage !== null;
    } catch {
      return false;
    }
  }

  /** @param {string} key @returns {boolean} whether there was something */
  #discard(key) {
    const stored = this.#storage?.getItem(key) ?? null;
    if (stored !== null) this.#storage?.removeItem(key);
    return stored !== null;
  }

  /** @returns {Entry[]} */
  #stored() {
    const storage = this.#storage;
    if (!storage) return [];
    const keys = Array.from({ length: storage.length }, (_, place) => storage.key(place));
    return keys.flatMap((key) => {
      const entry = key?.startsWith(PREFIX) ? parsed(storage.getItem(key)) : null;
      return entry ? [entry] : [];
    });
  }

  #changed() {
    for (const fn of this.#listeners) fn();
  }
}

/** The browser's storage, null if it gives none. @param {Window} window @returns {Storage | null} */
export function storageOf(window) {
  try {
    return window.localStorage;
  } catch {
    return null;
  }
}

/** @param {{match: string, id: string}} entry */
function keyOf({ match, id }) {
  return `${PREFIX}${match}/${id}`;
}

/** @param {string | null | undefined} text @returns {Entry | null} */
function parsed(text) {
  if (text === null || text === undefined) return null;
  try {
    return readEntry(JSON.parse(text));
  } catch {
    return null;
  }
}
