// @ts-check
/** The two screens of the viewer's page. Each is loaded at its first use. */

/** @import { Place, Screen } from "../page-types.js" */
/** @import { Page } from "./page.js" */

const FILES = {
  match: ["match", "match-view", "timeline-view", "moments"],
  scoreboard: ["scoreboard", "scoreboard-view", "fixture", "groups", "news"],
};

/** Style sheets that are there or on their way. @type {Map<string, Promise<unknown>>} */
const sheets = new Map();

/** Let the browser fetch all files of a screen at once.
 * @param {Place} place */
export function preloadScreen({ match }) {
  const screen = match ? "match" : "scoreboard";
  for (const name of FILES[screen]) link("modulepreload", `viewer/${name}.js`);
  void styled(screen);
}

/** @param {Page} page @param {Place} place @returns {Promise<Screen>} */
export async function loadScreen(page, { match, day }) {
  if (match) {
    const [{ Match }] = await Promise.all([import("./match.js"), styled("match")]);
    return new Match(page, match);
  }
  const [{ Scoreboard }] = await Promise.all([import("./scoreboard.js"), styled("scoreboard")]);
  return new Scoreboard(page, day);
}

/** Resolves when a screen's style sheet is loaded or has failed; after a failure the next call loads it again.
 * @param {string} screen */
function styled(screen) {
  const found = sheets.get(screen);
  if (found) return found;
  const sheet = link("stylesheet", `viewer/${screen}.css`);
  const there = new Promise((done) => {
    sheet.onload = done;
    sheet.onerror = () => done(sheets.delete(screen));
  });
  sheets.set(screen, there);
  return there;
}

/** @param {string} rel @param {string} href */
function link(rel, href) {
  const element = document.createElement("link");
  element.rel = rel;
  element.href = href;
  document.head.append(element);
  return element;
}
