// @ts-check
/**
 * Signing in with an authorization code and PKCE (RFC 6749 4.1, RFC 7636), as Cognito's hosted UI does it
 * (https://docs.aws.amazon.com/cognito/latest/developerguide/authorization-endpoint.html,
 * https://docs.aws.amazon.com/cognito/latest/developerguide/token-endpoint.html).
 *
 * `state` and the verifier are in sessionStorage from the way out until the way back; the code is taken from the address
 * before anything else happens.
 */

/** @typedef {{authorize_url: string, token_url: string, client_id: string, scope: string}} Provider */
/** @typedef {{access_token: string, refresh_token?: string}} Grant */

const UNDER_WAY = "livescore.sign-in";
const ANSWER_MS = 10_000;

/**
 * The provider's address for the operator, and the values to remember.
 *
 * @param {Provider} provider
 * @param {string} back this page's own address, as it is registered with the provider: without query
 * @param {Crypto} crypto
 * @returns {Promise<{url: string, state: string, verifier: string}>}
 */
export async function wayOut(provider, back, crypto) {
  const [state, verifier] = [secret(crypto), secret(crypto)];
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(verifier));
  const url = new URL(provider.authorize_url);
  for (const [name, value] of Object.entries({
    response_type: "code",
    client_id: provider.client_id,
    redirect_uri: back,
    scope: provider.scope,
    state,
    code_challenge: base64url(new Uint8Array(digest)),
    code_challenge_method: "S256",
  })) {
    url.searchParams.set(name, value);
  }
  return { url: url.href, state, verifier };
}

/**
 * Go to the provider's page; `returnTo` is this page's query afterwards.
 *
 * @param {Provider} provider
 * @param {Window} window
 */
export async function leave(provider, window) {
  const out = await wayOut(provider, pageOf(window), window.crypto);
  const kept = { state: out.state, verifier: out.verifier, search: window.location.search };
  window.sessionStorage.setItem(UNDER_WAY, JSON.stringify(kept));
  window.location.assign(out.url);
}

/**
 * The provider's answer, taken from the address; then the address is as it was before.
 *
 * @param {Window} window
 * @returns {{code: string, verifier: string} | {refused: string} | null} null if nobody comes back from there
 */
export function comeBack(window) {
  const query = new URLSearchParams(window.location.search);
  if (!query.has("state") || !(query.has("code") || query.has("error"))) return null;
  const kept = parsed(window.sessionStorage.getItem(UNDER_WAY));
  window.sessionStorage.removeItem(UNDER_WAY);
  window.history.replaceState(null, "", window.location.pathname + (kept?.search ?? ""));
  if (!kept || kept.state !== query.get("state")) return { refused: "That sign-in was not begun here. Sign in again." };
  const code = query.get("code");
  return code
    ? { code, verifier: kept.verifier }
    : { refused: "Nobody was signed in. Sign in again, or paste a token." };
}

/**
 * Exchange a code, or a refresh token, for an access token.
 *
 * @param {Provider} provider
 * @param {{code: string, verifier: string, back: string} | {refresh: string}} by
 * @param {typeof globalThis.fetch} fetch
 * @returns {Promise<Grant | null>} null if the provider refuses; rejects if it does not answer
 */
export async function exchange(provider, by, fetch) {
  /** @type {Record<string, string>} */
  const form =
    "code" in by
      ? { grant_type: "authorization_code", code: by.code, code_verifier: by.verifier, redirect_uri: by.back }
      : { grant_type: "refresh_token", refresh_token: by.refresh };
  const answer = await fetch(provider.token_url, {
    method: "POST",
    headers: { "Content-Type": "application/x-www-form-urlencoded" },
    body: new URLSearchParams({ client_id: provider.client_id, ...form }).toString(),
    credentials: "omit",
    cache: "no-store",
    redirect: "error",
    signal: AbortSignal.timeout(ANSWER_MS),
  });
  if (answer.status >= 500 || answer.status === 429) throw new Error("no answer");
  const grant = await answer.json().catch(() => null);
  return answer.ok && typeof grant?.access_token === "string" ? grant : null;
}

/** This page's address as the provider knows it. @param {Window} window */
export function pageOf(window) {
  return window.location.origin + window.location.pathname;
}

/** 256 bits in characters that an address and RFC 7636 take. @param {Crypto} crypto */
function secret(crypto) {
  return base64url(crypto.getRandomValues(new Uint8Array(32)));
}

/** @param {Uint8Array} bytes */
function base64url(bytes) {
  return btoa(String.fromCharCode(...bytes))
    .replaceAll("+", "-")
    .replaceAll("/", "_")
    .replaceAll("=", "");
}

/** @param {string | null} text @returns {{state: string, verifier: string, search: string} | null} */
function parsed(text) {
  try {
    return JSON.parse(text ?? "null");
  } catch {
    return null;
  }
}
