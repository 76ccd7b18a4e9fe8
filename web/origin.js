// @ts-check
/** The deployment from this page's host, and the token from the page's address. */

import { tokenIn } from "./address.js";
import { early } from "./early.js";

const PATH = "/deployment.json";
const TOKEN = "livescore.token";

/** @typedef {import("./livescore.js").Cell} Cell */

/**
 * The cells. Rejects if the host does not have them.
 *
 * @param {typeof globalThis.fetch} fetch
 * @returns {Promise<Cell[]>}
 */
export async function deployment(fetch) {
  const answer = await (early(PATH)?.answer ?? fetch(PATH, { signal: AbortSignal.timeout(10_000) }));
  if (!answer.ok) throw new Error(`${PATH}: ${answer.status}`);
  return cellsOf(await answer.json(), location.search);
}

/** Of a deployment.json; `?cell=NAME` chooses one. An older server has only WebSockets.
 * @param {any} described @param {string} search @returns {Cell[]} */
export function cellsOf({ cells, websockets = {} }, search) {
  const named =
    cells ??
    Object.fromEntries(Object.entries(websockets).map(([name, url]) => [name, { transport: "api-gateway", url }]));
  const all = Object.entries(named).map(([name, cell]) => ({ name, ...cell }));
  const chosen = all.filter(({ name }) => name === new URLSearchParams(search).get("cell"));
  return chosen.length ? chosen : all;
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
