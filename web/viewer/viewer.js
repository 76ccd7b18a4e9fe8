// @ts-check
/** The viewer's page: opens the screen of the address, and runs everything outside the screens. */

import { placeOf } from "../address.js";
import { keepShell, RecordStore } from "../device-store.js";
import { loadScreen } from "../early.js";
import { Livescore } from "../livescore.js";
import { deployment, Reader, viewerToken } from "../origin.js";
import { errorWords } from "../words.js";
import { Announcer, ConnectionSign, Notices } from "./notices.js";
import { Page } from "./page.js";

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
  /** @type {import("../page-types.js").Screen} */
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
