// @ts-check
/** Creates, changes and removes matches with the operators' API, and reads traces. The outbox sends events (postman.js). */

const ANSWER_MS = 10_000;

/** @typedef {{body: any} | {wrong: string, code: string}} Answer `wrong`: a sentence for the operator */

export class OperatorsApi {
  /**
   * @param {object} surroundings
   * @param {typeof globalThis.fetch} surroundings.fetch
   * @param {string} surroundings.base `/operators`
   * @param {{current: () => Promise<string | null>, refused: (token: string) => void}} surroundings.tokens
   */
  constructor({ fetch, base, tokens }) {
    this.fetch = fetch;
    this.base = base;
    this.tokens = tokens;
  }

  /** Make a match. @param {Record<string, unknown>} body */
  create(body) {
    return this.#ask("POST", "/matches", body);
  }

  /** @param {string} match @param {Record<string, unknown>} changes */
  change(match, changes) {
    return this.#ask("PATCH", `/matches/${encodeURIComponent(match)}`, changes);
  }

  /** Remove a match that has no events. @param {string} match */
  remove(match) {
    return this.#ask("DELETE", `/matches/${encodeURIComponent(match)}`);
  }

  /** Read the stages of an event. @param {string} match @param {number} seq */
  trace(match, seq) {
    return this.#ask("GET", `/matches/${encodeURIComponent(match)}/trace/${seq}`);
  }

  /** @param {string} method @param {string} path @param {Record<string, unknown>} [body] @returns {Promise<Answer>} */
  async #ask(method, path, body) {
    const token = await this.tokens.current().catch(() => null);
    if (token === null) return { wrong: "Sign in first.", code: "token" };
    try {
      const answer = await this.fetch(this.base + path, {
        method,
        headers: { Authorization: `Bearer ${token}`, ...(body ? { "Content-Type": "application/json" } : {}) },
        ...(body ? { body: JSON.stringify(body) } : {}),
        cache: "no-store",
        redirect: "error",
        signal: AbortSignal.timeout(ANSWER_MS),
      });
      const said = await answer.json().catch(() => null);
      if (answer.ok && typeof said?.match === "string") return { body: said };
      if (answer.status === 401) this.tokens.refused(token);
      return refusal(answer.status, said);
    } catch {
      if (method === "GET") return { wrong: "The API does not answer. Try again in a moment.", code: "" };
      return {
        wrong: "The API does not answer, so it is not known whether that was done. Look, and try again.",
        code: "",
      };
    }
  }
}

/** @param {number} status @param {any} said @returns {{wrong: string, code: string}} */
function refusal(status, said) {
  const code = typeof said?.error?.code === "string" ? said.error.code : "";
  if (status === 401) return { wrong: "The API does not accept the token. Sign in again.", code };
  if (code === "match_exists")
    return { wrong: "There is a match with this id already: open that one, or give this one another id.", code };
  if (code === "kicked_off") return { wrong: "The match has begun, so only its line-ups can be changed.", code };
  if (status >= 500 || status === 429) return { wrong: "The API has trouble just now. Try again in a moment.", code };
  if (status === 403 && !code) return { wrong: "Your token does not let you do that.", code };
  return { wrong: typeof said?.error?.message === "string" ? said.error.message : `The API answered ${status}.`, code };
}
