// @ts-check
/** Reads the readers' API on the page's own origin. */

import { early } from "./early.js";

/** The reason of a failed read: `unknown_match`, `no_answer`, or the API's own code. */
export class ReadError extends Error {
  /** @param {string} code @param {string} message */
  constructor(code, message) {
    super(message);
    this.code = code;
  }
}

const SECONDS = 10;

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
      answer: this.fetch(path, { signal: AbortSignal.timeout(SECONDS * 1000) }),
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
