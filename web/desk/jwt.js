// @ts-check
/** Pure: reads the claims of a token. It verifies nothing; the API does that. */

/** Claims that name a person, the best first (OpenID Connect Core 1.0, 5.1; Cognito's access token has `username`). */
const NAMES = ["name", "username", "cognito:username", "preferred_username", "email"];

/**
 * @typedef {object} About
 * @property {number | null} ends milliseconds since 1970
 * @property {string | null} subject
 * @property {string | null} name of the person for people; the subject if no claim has one
 */

/**
 * @param {string} token
 * @returns {About | null} null if it is no JWT
 */
export function readToken(token) {
  const parts = token.split(".");
  if (parts.length !== 3 || !parts.every((part) => /^[\w-]+$/.test(part))) return null;
  try {
    const bytes = Uint8Array.from(
      atob(/** @type {string} */ (parts[1]).replaceAll("-", "+").replaceAll("_", "/")),
      (each) => each.charCodeAt(0),
    );
    const claims = JSON.parse(new TextDecoder().decode(bytes));
    const { exp, sub } = claims;
    const subject = typeof sub === "string" ? sub : null;
    return { ends: Number.isFinite(exp) ? exp * 1000 : null, subject, name: nameIn(claims) ?? subject };
  } catch {
    return null;
  }
}

/** The first claim that names the person; one that repeats the subject is none. @param {Record<string, unknown>} claims */
function nameIn(claims) {
  for (const claim of NAMES) {
    const text = claims[claim];
    const name = typeof text === "string" ? text.replaceAll(/\p{C}/gu, "").trim().slice(0, 80) : "";
    if (name && text !== claims.sub) return name;
  }
  return null;
}
