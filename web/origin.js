// @ts-check
/** The deployment from this page's host, and the token from the page's address. */

import { tokenIn } from "./address.js";
import { early } from "./early.js";

const PATH = "/deployment.json";
const TOKEN = "livescore.token";

/** @typedef {{websockets: string[]}} Deployment */

/**
 * The cells' addresses. Rejects if the host does not have them.
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

/** The viewer's token. It is removed from the address, so that a copied link does not hold it.
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
    // Without storage the token lasts as long as the page.
  }
}
