// @ts-check
/** Pure: what a token says of itself. Nothing is verified here; that is the API's business. */

/**
 * @param {string} token
 * @returns {{ends: number | null, subject: string | null} | null} `ends` in milliseconds since the epoch; null if it is no JWT
 */
export function readToken(token) {
  const parts = token.split(".");
  if (parts.length !== 3 || !parts.every((part) => /^[\w-]+$/.test(part))) return null;
  try {
    const bytes = Uint8Array.from(
      atob(/** @type {string} */ (parts[1]).replaceAll("-", "+").replaceAll("_", "/")),
      (each) => each.charCodeAt(0),
    );
    const { exp, sub } = JSON.parse(new TextDecoder().decode(bytes));
    return { ends: Number.isFinite(exp) ? exp * 1000 : null, subject: typeof sub === "string" ? sub : null };
  } catch {
    return null;
  }
}
