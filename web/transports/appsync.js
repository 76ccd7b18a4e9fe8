/** The credentials that both kinds of AppSync take: in the handshake as a subprotocol, and again with each subscription. */

/** Stands for a viewer without a token: AppSync refuses an empty one before it asks our authorizer. */
const ANONYMOUS = "anonymous";

/** @param {import("../livescore.js").Cell} cell @param {string | null} token */
export const credentials = ({ host }, token) => ({ host, Authorization: token || ANONYMOUS });

/**
 * The credentials as a subprotocol, which is not in the address: browsers write addresses to their console.
 * Base64url without padding
 * (https://docs.aws.amazon.com/appsync/latest/eventapi/event-api-websocket-protocol.html).
 *
 * @param {object} given
 */
export function subprotocol(given) {
  const bytes = new TextEncoder().encode(JSON.stringify(given));
  const base64 = btoa(String.fromCharCode(...bytes));
  return `header-${base64.replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "")}`;
}
