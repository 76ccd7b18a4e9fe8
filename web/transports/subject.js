/** The channel of the messages to one viewer. The key in a token is its `sub`; the API checks the token, this file does not. */

/** The namespace of a cell whose address names none: the default name of a deployment. */
const NAMESPACE = "livescore";

/** The first segment of a cell's channels. @param {import("../livescore.js").Cell} cell */
export const namespaceOf = ({ namespace = NAMESPACE }) => namespace;

/**
 * The channel; the feed is that of one subject. No match can have this id.
 *
 * @param {import("../livescore.js").Cell} cell
 */
export const subjectsOf = (cell) => `${namespaceOf(cell)}/subjects`;

/**
 * The feed of the token's subject: `s-` and 40 hexadecimal digits of its SHA-256. Null without a token, for a token
 * without a subject, and in a page that came over plain HTTP from another machine, which has no SHA-256.
 *
 * @param {string | null} token
 * @returns {Promise<string | null>}
 */
export async function feedOfSubject(token) {
  try {
    const claims = (token ?? "").split(".")[1] ?? "";
    const bytes = Uint8Array.from(atob(claims.replaceAll("-", "+").replaceAll("_", "/")), (each) => each.charCodeAt(0));
    const { sub } = JSON.parse(new TextDecoder().decode(bytes));
    if (typeof sub !== "string" || !sub) return null;
    const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(sub)));
    return `s-${[...hash.slice(0, 20)].map((byte) => byte.toString(16).padStart(2, "0")).join("")}`;
  } catch {
    return null;
  }
}
