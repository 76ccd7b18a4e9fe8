// @ts-check
/**
 * The store of this device, for a reload without a network: the page's records, and the page's files.
 *
 * The newest 30 records are in localStorage. A browser without storage, or without room, is no error: then there is
 * nothing to show. The service worker stores the files.
 */

const PREFIX = "livescore.kept.";
const MOST = 30;

/** @template T @typedef {{at: number, value: T}} StoredRecord `at`: when it was true, by this device's clock */

export class RecordStore {
  /** @param {() => Storage} storage looked up at each use: only to name it may be refused */
  constructor(storage) {
    this.storage = storage;
  }

  /** The record under a name, or null. @param {string} name @returns {StoredRecord<any> | null} */
  get(name) {
    try {
      const kept = JSON.parse(this.storage().getItem(PREFIX + name) ?? "null");
      return typeof kept?.at === "number" && kept.value ? kept : null;
    } catch {
      return null;
    }
  }

  /** Store a value; false if there is no room. @param {string} name @param {unknown} value @param {number} at */
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

  /** Remove the oldest records except `most`. @param {number} most */
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

/** Registers the service worker, and has it store the files of this page. Without service workers (plain HTTP to another
 * machine, private windows) there is nothing to do. */
export async function keepShell() {
  if (!("serviceWorker" in navigator)) return;
  try {
    await navigator.serviceWorker.register("/service-worker.js");
    const { active } = await navigator.serviceWorker.ready;
    const loaded = performance.getEntriesByType("resource").map((entry) => new URL(entry.name));
    const files = loaded.filter((url) => url.origin === location.origin && /\.(js|css|svg|json)$/.test(url.pathname));
    active?.postMessage({ keep: [location.pathname, ...new Set(files.map((url) => url.pathname))] });
  } catch {
    // The page works without it.
  }
}
