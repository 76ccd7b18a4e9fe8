// @ts-check
/**
 * The viewer's page: opens the screen of the address, and runs everything outside the screens. `Page` is what the screens
 * share: the clock, the library, the notices, this device's records.
 */

import { placeOf } from "../address.js";
import { keepShell, RecordStore } from "../device-store.js";
import { setAttribute, setText } from "../dom.js";
import { loadScreen } from "../early.js";
import { Livescore } from "../livescore.js";
import { deployment, ReadError, Reader, viewerToken } from "../origin.js";
import { ageWords, errorWords, wrongClock } from "../words.js";
import { Announcer, ConnectionSign, Notices } from "./notices.js";

/** @import { Screen } from "../page-types.js" */

/** An older state is marked with its age. */
const OLD = 20_000;

/** A clock that is more wrong gets a sentence. */
const WRONG = 2 * 60_000;

const KEEP_EVERY = 1_000;

export class Page {
  /**
   * @param {object} parts
   * @param {Reader} parts.reader
   * @param {RecordStore} parts.shelf
   * @param {Notices} parts.notices
   * @param {Announcer} parts.announcer
   * @param {HTMLElement} parts.age where it is said how old the page is
   * @param {() => void} parts.onRead is called after each read over HTTP
   */
  constructor({ reader, shelf, notices, announcer, age, onRead }) {
    this.reader = reader;
    this.shelf = shelf;
    this.notices = notices;
    this.announcer = announcer;
    this.age = age;
    this.onRead = onRead;
    /** @type {Livescore | null} */
    this.live = null;
    /** @type {Screen | null} */
    this.screen = null;
    /** When the library last read. */
    this.libraryReadAt = 0;
    /** The service has answered since this screen was opened. */
    this.fresh = false;
    /** Of the last read over HTTP: a sentence if it failed. @type {string | null} */
    this.unread = null;
    /** The time of the shown board, by this device's clock; 0 if none is shown. */
    this.knownAt = 0;
    /** @type {Map<string, unknown>} */
    this.unkept = new Map();
    /** @type {number | undefined} */
    this.keeper = undefined;
  }

  get open() {
    return this.live?.connection.state === "open";
  }

  /** Milliseconds since 1970, by the service's clock as far as it is known. */
  now() {
    return this.live?.now() ?? Date.now();
  }

  /** The page shows the state that this device kept then. @param {number} at */
  showsKept(at) {
    this.fresh = false;
    this.knownAt = at;
  }

  /** The screen has read over HTTP, or failed to. @param {unknown} [error] what it was rejected with */
  hasRead(error) {
    this.unread = error ? this.sentence(error) : null;
    this.onRead();
  }

  /** The service has answered just now. */
  heardNow() {
    this.fresh = true;
    this.knownAt = Date.now();
  }

  /** Another screen is opened. */
  begins() {
    this.fresh = false;
    this.knownAt = 0;
    this.unread = null;
    this.notices.say("following", null);
  }

  /** The screen has just been painted. */
  painted() {
    const title = this.screen ? `${this.screen.title} · livescore` : "livescore";
    if (document.title !== title) document.title = title;
  }

  /** Once a second. */
  tick() {
    const device = Date.now();
    if (this.fresh && this.open) this.knownAt = device;
    const age = device - this.knownAt;
    const old = this.knownAt > 0 && (age > OLD || (!this.fresh && this.#failed()));
    setText(this.age, old ? `Last known state, from ${ageWords(age)}.` : "");
    setAttribute(this.age, "hidden", old ? null : "");
    const ahead = device - this.now();
    this.notices.say("clock", Math.abs(ahead) > WRONG ? wrongClock(ahead) : null);
    this.screen?.tick(this.now());
  }

  /** A sentence for what a read was rejected with. @param {unknown} error */
  sentence(error) {
    return error instanceof ReadError ? this.words(error.code, error.message) : this.words("unavailable");
  }

  /** @param {string} code @param {string} [message] */
  words(code, message) {
    return errorWords(code, message);
  }

  /** Keep it on this device, soon. @param {string} name @param {unknown} value */
  keep(name, value) {
    this.unkept.set(name, value);
    this.keeper ??= window.setTimeout(() => this.keepNow(), KEEP_EVERY);
  }

  /** Store the record before the page goes away. */
  keepNow() {
    window.clearTimeout(this.keeper);
    this.keeper = undefined;
    for (const [name, value] of this.unkept) {
      if (!this.shelf.put(name, value, this.knownAt || Date.now())) this.notices.say("storage", errorWords("storage"));
    }
    this.unkept.clear();
  }

  #failed() {
    return this.unread !== null || this.screen?.missing || this.live?.connection.state === "offline";
  }
}

/** @param {string} id */
const byId = (id) => /** @type {HTMLElement} */ (document.getElementById(id));

/** Milliseconds until the cells are asked for again when the host did not name them. */
const AGAIN = 10_000;

const token = viewerToken();
/** @type {[Response, number][]} answers from before there was a library to learn the time from them */
const answers = [];
const reader = new Reader(globalThis.fetch.bind(globalThis), (answer, sentAt) => {
  if (page.live) page.live.observe(answer, sentAt);
  else answers.push([answer, sentAt]);
});
const notices = new Notices(byId("notices"));
const announcer = new Announcer(byId("announcer"));
const sign = new ConnectionSign(byId("connection"), notices, announcer, {
  reads: () => ({
    known: page.fresh,
    missing: page.screen?.missing ?? false,
    unread: page.unread,
    list: page.screen?.list ?? false,
  }),
  token: token !== null,
});
const shelf = new RecordStore(() => localStorage);
const page = new Page({ reader, shelf, notices, announcer, age: byId("age"), onRead: () => sign.tick(Date.now()) });

let opened = 0;

/** Show the screen of the address. Only that screen is loaded. */
async function open() {
  const place = placeOf(location.search);
  const turn = ++opened;
  /** @type {Screen} */
  let screen;
  try {
    screen = await loadScreen(page, place);
  } catch {
    notices.say("address", errorWords("no_answer"));
    return;
  }
  if (turn !== opened) return;
  page.screen?.stop();
  page.keepNow();
  page.begins();
  notices.say("address", place.badDay ? errorWords("bad_day") : null);
  page.screen = screen;
  byId("content").replaceChildren(screen.element);
  screen.start();
  page.painted();
  screen.follow();
}

/** Open one of our own links without loading the page anew: the connection stays. @param {MouseEvent} event */
async function onClick(event) {
  const link = event.target instanceof Element ? event.target.closest("a") : null;
  if (!link || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
  const to = new URL(link.href);
  if (to.origin !== location.origin || to.pathname !== location.pathname || to.hash) return;
  event.preventDefault();
  history.pushState(null, "", to);
  await open();
  scrollTo(0, 0);
  // A reader who uses the keyboard or hears the page begins at the new heading.
  byId("content").querySelector("h1")?.focus({ preventScroll: true });
}

async function connect() {
  let cells;
  try {
    cells = await deployment(globalThis.fetch.bind(globalThis));
  } catch {
    sign.show({ state: "unset" });
    setTimeout(connect, AGAIN);
    return;
  }
  const live = new Livescore({
    cells,
    token: () => token,
    fetch: (...asked) => {
      // A poll of Momento is no read of a match.
      if (String(asked[0]).startsWith("/matches")) page.libraryReadAt = Date.now();
      return fetch(...asked);
    },
  });
  for (const [answer, sentAt] of answers) live.observe(answer, sentAt);
  answers.length = 0;
  live.on("connection", (connection) => sign.show(connection));
  live.on("error", ({ code, message }) => notices.say("following", errorWords(code, message)));
  page.live = live;
  sign.show(live.connection);
  page.screen?.follow();
}

document.addEventListener("click", onClick);
addEventListener("popstate", open);
addEventListener("pagehide", () => page.keepNow());
addEventListener("online", () => page.screen?.refresh());
document.addEventListener("visibilitychange", () => {
  if (document.visibilityState === "hidden") page.keepNow();
  else page.screen?.refresh();
});
byId("zone").textContent = Intl.DateTimeFormat().resolvedOptions().timeZone.replaceAll("_", " ");
open();
connect();
setInterval(() => {
  sign.tick(Date.now());
  page.tick();
}, 1_000);
addEventListener("load", () => void keepShell());
