// @ts-check
/** Pure: the meaning of the API's answer for a posted event, in a sentence for the operator. */

/**
 * @typedef {{kind: "sent", outcome: import("./outbox.js").Outcome}
 *   | {kind: "refused", reason: string}
 *   | {kind: "token", reason: string}
 *   | {kind: "again", reason: string}} Verdict
 * `sent`: the event is on the stream. `refused`: another POST would change nothing. `token`: another token is needed
 * first. `again`: the event was not accepted this time, or that is unknown.
 */

/**
 * Whether an answer is the API's about an event, and not a proxy's copy of the request.
 *
 * @param {unknown} body of the answer
 * @param {string} match
 * @param {string} id of the event
 */
export function isOutcome(body, match, id) {
  const answer = /** @type {Record<string, unknown>} */ (typeof body === "object" && body !== null ? body : {});
  if (answer.match !== match || answer.event_id !== id) return false;
  if (answer.status === "applied") return Number.isSafeInteger(answer.seq);
  return answer.status === "pending" || answer.status === "refused";
}

/** @type {Readonly<Record<number, string>>} */
const REFUSALS = {
  400: "The API could not read it.",
  403: "Your token does not let you post for this match.",
  404: "The API does not know this match.",
  409: "The API has another event with the same id.",
  413: "It is too large for the API.",
  422: "The API does not take these values.",
};

/**
 * @param {{match: string, id: string}} entry that was posted
 * @param {number} status of the answer
 * @param {unknown} body of the answer if it was JSON
 * @returns {Verdict}
 */
export function verdictOf({ match, id }, status, body) {
  if (status === 202 && isOutcome(body, match, id))
    return { kind: "sent", outcome: /** @type {import("./outbox.js").Outcome} */ (body) };
  if (status === 401) return { kind: "token", reason: "The API does not accept the token." };
  if (status === 429) return { kind: "again", reason: "The API has too much to do just now." };
  if (status === 408 || status >= 500) return { kind: "again", reason: "The API has trouble just now." };
  if (status >= 400) {
    const said = /** @type {{error?: {message?: unknown}} | null} */ (body)?.error?.message;
    return {
      kind: "refused",
      reason: typeof said === "string" ? said : (REFUSALS[status] ?? `The API answered ${status}.`),
    };
  }
  // For instance the sign-in page of a network.
  return { kind: "again", reason: "Something that is not the API answered." };
}

/** No answer at all. @type {Verdict} */
export const UNANSWERED = { kind: "again", reason: "The API does not answer." };
