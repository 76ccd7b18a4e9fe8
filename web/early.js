// @ts-check
/** Requests the data of the first paint before the rest of the page is loaded. */

import { placeOf } from "./address.js";
import { localDay, utcDays } from "./day.js";
import { preloadScreen } from "./viewer/screens.js";

/** @typedef {{sentAt: number, answer: Promise<Response>}} Sent */

/** @param {string} path @returns {[string, Sent]} */
function send(path) {
  const answer = fetch(path, { signal: AbortSignal.timeout(10_000) });
  // The reader of the answer handles its failure.
  answer.catch(() => {});
  return [path, { sentAt: Date.now(), answer }];
}

/** @param {Location} location */
function wanted({ pathname, search }) {
  if (!/^\/(index\.html)?$/.test(pathname)) return [];
  const place = placeOf(search);
  const { match, day } = place;
  preloadScreen(place);
  const snapshots = match
    ? [`/matches/${encodeURIComponent(match)}`]
    : utcDays(day ?? localDay(Date.now())).map((each) => `/matches?day=${each}`);
  return ["/deployment.json", ...snapshots];
}

const sent = new Map(wanted(location).map(send));

/** The answer to a request that is on its way, once; undefined if nothing is. @param {string} path */
export function early(path) {
  const found = sent.get(path);
  sent.delete(path);
  return found;
}
