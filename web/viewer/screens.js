// @ts-check
/** The two screens of the viewer's page. Each is loaded when it is first asked for. */

/** @typedef {import("../address.js").Place} Place */

const FILES = {
  match: ["match", "match-view", "timeline-view", "moments"],
  scoreboard: ["scoreboard", "scoreboard-view", "fixture", "groups", "news"],
};

/** Have the browser fetch all files of a screen at once, and not one after the other as it finds them.
 * @param {Place} place */
export function preloadScreen({ match }) {
  for (const name of match ? FILES.match : FILES.scoreboard) {
    const link = document.createElement("link");
    link.rel = "modulepreload";
    link.href = `viewer/${name}.js`;
    document.head.append(link);
  }
}

/** @param {import("./page.js").Page} page @param {Place} place @returns {Promise<import("./page.js").Screen>} */
export async function loadScreen(page, { match, day }) {
  if (match) {
    const { Match } = await import("./match.js");
    return new Match(page, match);
  }
  const { Scoreboard } = await import("./scoreboard.js");
  return new Scoreboard(page, day);
}
