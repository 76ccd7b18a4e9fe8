// @ts-check
/** A page's own origin: the cells, the answers of the readers' API, and the token in the address. */

import { tokenIn } from "./address.js";
import { early } from "./early.js";

const PATH = "/deployment.json";
const TOKEN = "livescore.token";

/** Milliseconds that an answer may take. */
const PATIENCE = 10_000;

/** @import { Cell } from "./livescore.js" */

/**
 * The cells. Rejects if the host does not have them.
 *
 * @param {typeof globalThis.fetch} fetch
 * @returns {Promise<Cell[]>}
 */
export async function deployment(fetch) {
  const answer = await (early(PATH)?.answer ?? fetch(PATH, { signal: AbortSignal.timeout(PATIENCE) }));
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

/** The reason of a failed read: `unknown_match`, `no_answer`, or the API's own code. */
export class ReadError extends Error {
  /** @param {string} code @param {string} message */
  constructor(code, message) {
    super(message);
    this.code = code;
  }
}

export class Reader {
  /**
   * @param {typeof globalThis.fetch} fetch
   * @param {(answer: Response, sentAt: number) => void} heard is told of each answer: it has the service's time
   */
  constructor(fetch, heard) {
    this.fetch = fetch;
    this.heard = heard;
  }

  /** A match's snapshot. Rejects with a ReadError. @param {string} match */
  match(match) {
    return this.#read(`/matches/${encodeURIComponent(match)}`);
  }

  /** A page of the matches of a UTC day, without their events: 200, and whether there are more. Rejects with a ReadError.
   * @param {string} day @param {number} [page] from 1 on @returns {Promise<{matches: any[], more?: boolean}>} */
  day(day, page = 1) {
    return this.#read(`/matches?day=${day}${page > 1 ? `&page=${page}` : ""}`);
  }

  /** @param {string} path @returns {Promise<any>} */
  async #read(path) {
    const { sentAt, answer: sent } = early(path) ?? {
      sentAt: Date.now(),
      answer: this.fetch(path, { signal: AbortSignal.timeout(PATIENCE) }),
    };
    let answer;
    try {
      answer = await sent;
    } catch {
      throw new ReadError("no_answer", `${path} was not answered`);
    }
    this.heard(answer, sentAt);
    const body = await answer.json().catch(() => null);
    if (answer.ok && body !== null) return body;
    // An id that no match can have is an unknown match for the viewer.
    const code =
      answer.status === 404 || answer.status === 422 ? "unknown_match" : (body?.error?.code ?? "unavailable");
    throw new ReadError(code, body?.error?.message ?? "");
  }
}
