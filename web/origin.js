// @ts-check
/** The deployment as this page's own host states it, and the token that brought the viewer here. */

import { tokenIn } from "./address.js";
import { early } from "./early.js";

const PATH = "/deployment.json";
const TOKEN = "livescore.token";

/** @typedef {{websockets: string[]}} Deployment */

/**
 * Where the cells are. Rejects if the host does not say.
 *
 * @param {typeof globalThis.fetch} fetch
 * @returns {Promise<Deployment>}
 */
export async function deployment(fetch) {
  const answer = await (early(PATH)?.answer ?? fetch(PATH, { signal: AbortSignal.timeout(10_000) }));
  if (!answer.ok) throw new Error(`${PATH}: ${answer.status}`);
  const { websockets } = await answer.json();
  return { websockets: Object.values(websockets) };
}

/** The viewer's token, taken out of the address so that nobody copies it along with the link.
 * @returns {string | null} */
export function viewerToken() {
  const given = tokenIn(location.hash);
  if (given !== null) {
    history.replaceState(history.state, "", location.pathname + location.search);
    remember(given);
    return given || null;
  }
  try {
    return sessionStorage.getItem(TOKEN);
  } catch {
    return null;
  }
}

/** @param {string} token */
function remember(token) {
  try {
    if (token) sessionStorage.setItem(TOKEN, token);
    else sessionStorage.removeItem(TOKEN);
  } catch {
    // A browser that keeps nothing: the token lasts as long as the page.
  }
}
