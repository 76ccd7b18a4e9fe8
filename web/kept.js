// @ts-check
/**
 * The records that this device keeps, so that a reload without a network has something to show.
 *
 * The newest few dozen records in localStorage. A browser that keeps nothing, or has no room, is no error: there is
 * only nothing to show then.
 */

const PREFIX = "livescore.kept.";
const MOST = 30;

/** @template T @typedef {{at: number, value: T}} Kept when it was true, by this device's clock */

export class Shelf {
  /** @param {() => Storage} storage looked up at each use: only to name it may be refused */
  constructor(storage) {
    this.storage = storage;
  }

  /** The record under a name, or null. @param {string} name @returns {Kept<any> | null} */
  get(name) {
    try {
      const kept = JSON.parse(this.storage().getItem(PREFIX + name) ?? "null");
      return typeof kept?.at === "number" && kept.value ? kept : null;
    } catch {
      return null;
    }
  }

  /** Keep it; false if there is no room. @param {string} name @param {unknown} value @param {number} at */
  put(name, value, at) {
    const text = JSON.stringify({ at, value });
    try {
      const storage = this.storage();
      if (storage.getItem(PREFIX + name) === null) this.#makeRoom(MOST - 1);
      try {
        storage.setItem(PREFIX + name, text);
      } catch {
        // The storage may be full of our own records.
        this.#makeRoom(0);
        storage.setItem(PREFIX + name, text);
      }
      return true;
    } catch (error) {
      return !(error instanceof DOMException && error.name === "QuotaExceededError");
    }
  }

  /** Drop the oldest of our records but so many. @param {number} most */
  #makeRoom(most) {
    const storage = this.storage();
    const names = Array.from({ length: storage.length }, (_, index) => storage.key(index) ?? "");
    const ours = names.filter((name) => name.startsWith(PREFIX));
    if (ours.length <= most) return;
    const aged = ours.map((name) => ({ name, at: this.get(name.slice(PREFIX.length))?.at ?? 0 }));
    aged.sort((one, other) => other.at - one.at);
    for (const { name } of aged.slice(most)) storage.removeItem(name);
  }
}
