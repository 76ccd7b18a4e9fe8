// @ts-check
/**
 * The operator's token: fetched, from a sign-in, or pasted; renewed before it expires.
 *
 * It is in sessionStorage and in the Authorization header, nowhere else.
 */

import { readToken } from "./jwt.js";
import { comeBack, exchange, leave, pageOf } from "./sign-in.js";

/** @typedef {{token_url?: string, sign_in?: import("./sign-in.js").Provider}} Ways `operators` of deployment.json */

const TOKEN = "livescore.operator.token";
const REFRESH = "livescore.operator.refresh";

/** The remaining time at which a token is renewed, and the time below which it is not used. */
const RENEW_MS = 120_000;
const USELESS_MS = 5_000;
const AGAIN_MS = 15_000;

/** Until then an answer has told the time. */
const CLOCK_MS = 3_000;
const ANSWER_MS = 10_000;

export class OperatorToken {
  /** A sentence why there is no token; empty while there is one. */
  trouble = "";
  /** @type {Ways} */
  #ways;
  /** @type {Window & typeof globalThis} */
  #window;
  /** @type {() => number} */
  #now;
  /** @type {string | null} */
  #subject = null;
  /** @type {Promise<string | null> | null} */
  #renewing = null;
  /** @type {number | undefined} */
  #timer;
  /** @type {Set<() => void>} */
  #listeners = new Set();

  /**
   * @param {Ways} ways
   * @param {Window & typeof globalThis} window
   * @param {() => number} now milliseconds since 1970 by the server's clock
   */
  constructor(ways, window, now) {
    this.#ways = ways;
    this.#window = window;
    this.#now = now;
  }

  /** Have `fn` called when there is another token, or none. @param {() => void} fn */
  onChange(fn) {
    this.#listeners.add(fn);
  }

  /** Whether there is a provider for a sign-in. */
  get canSignIn() {
    return this.#ways.sign_in !== undefined;
  }

  /** The token's claims, null without a token. */
  get about() {
    const token = this.#stored();
    return token === null ? null : readToken(token);
  }

  /**
   * The operator at the desk: the subject of the token, or of the last token until the operator signs out. Null if it is
   * not known.
   */
  get subject() {
    this.#subject = this.about?.subject ?? this.#subject;
    return this.#subject;
  }

  /** Continue a sign-in after the return from the provider's page, if there was one. */
  async start() {
    const { sign_in: provider } = this.#ways;
    const back = provider ? comeBack(this.#window) : null;
    if (provider && back && "code" in back) {
      const by = { ...back, back: pageOf(this.#window) };
      const grant = await exchange(provider, by, this.#window.fetch.bind(this.#window)).catch(() => undefined);
      if (grant) this.#keep(grant);
      else
        this.#lack(
          grant === null ? "The sign-in was refused. Sign in again." : "The sign-in did not answer. Sign in again.",
        );
    } else if (back && "refused" in back) {
      this.#lack(back.refused);
    }
    await this.current();
    this.#plan();
  }

  /**
   * A token that can be used now; null if there is none without the operator.
   *
   * @returns {Promise<string | null>}
   */
  async current() {
    const token = this.#stored();
    // Without another token it is used until the API refuses it, because this device's clock may be wrong.
    if (token !== null && (this.#left(token) > USELESS_MS || !this.#renewable())) return token;
    return this.#renew();
  }

  /** Note that the API refused a token. @param {string} token */
  refused(token) {
    if (this.#stored() !== token) return;
    this.#forget();
    if (!this.#renewable())
      this.#lack("The API does not accept your token. Nothing is lost: it goes on with a new one.");
  }

  /** Take a token that was pasted. @param {string} text @returns {string} what is wrong with it, empty if nothing is */
  paste(text) {
    const token = text.trim().replace(/^Bearer\s+/i, "");
    const read = readToken(token);
    if (read === null) return "That is not a token. A token is three parts with dots between them.";
    if (this.#left(token) <= USELESS_MS) return "That token has ended. Paste a newer one.";
    this.#window.sessionStorage.removeItem(REFRESH);
    this.#subject = null;
    this.#keep({ access_token: token });
    return "";
  }

  /** Go to the provider's page. */
  signIn() {
    return this.#ways.sign_in ? leave(this.#ways.sign_in, this.#window) : Promise.resolve();
  }

  /** Forget the token. */
  signOut() {
    this.#forget();
    this.#subject = null;
    this.#window.sessionStorage.removeItem(REFRESH);
    this.#lack("You are signed out.");
  }

  /** @returns {Promise<string | null>} */
  #renew() {
    this.#renewing ??= this.#fetchNew().finally(() => {
      this.#renewing = null;
    });
    return this.#renewing;
  }

  /** @returns {Promise<string | null>} */
  async #fetchNew() {
    const { token_url: url, sign_in: provider } = this.#ways;
    const fetch = this.#window.fetch.bind(this.#window);
    const refresh = this.#window.sessionStorage.getItem(REFRESH);
    try {
      /** @type {import("./sign-in.js").Grant | null} */
      let grant = null;
      if (url) {
        const answer = await fetch(url, {
          cache: "no-store",
          redirect: "error",
          signal: AbortSignal.timeout(ANSWER_MS),
        });
        if (answer.status >= 500 || answer.status === 429) throw new Error("no answer");
        if (answer.ok) grant = { access_token: (await answer.json()).token };
      } else if (provider && refresh) {
        grant = await exchange(provider, { refresh }, fetch);
        if (grant === null) this.#window.sessionStorage.removeItem(REFRESH);
      }
      if (grant) return this.#keep(grant);
    } catch {
      if (this.#renewable()) {
        this.#plan(AGAIN_MS);
        return this.#lack("No token can be had just now. It is tried again.");
      }
    }
    const ended = this.#stored() !== null;
    if (ended) this.#forget();
    return this.#lack(
      ended
        ? "Your token has ended. Nothing is lost: it goes on with a new one."
        : this.trouble || "There is no token yet.",
    );
  }

  #renewable() {
    return Boolean(this.#ways.token_url || (this.#ways.sign_in && this.#window.sessionStorage.getItem(REFRESH)));
  }

  /** @param {import("./sign-in.js").Grant} grant @returns {string} */
  #keep(grant) {
    this.#window.sessionStorage.setItem(TOKEN, grant.access_token);
    if (grant.refresh_token) this.#window.sessionStorage.setItem(REFRESH, grant.refresh_token);
    this.trouble = "";
    this.#plan();
    this.#changed();
    return grant.access_token;
  }

  /** @param {string} why @returns {null} */
  #lack(why) {
    this.trouble = why;
    this.#changed();
    return null;
  }

  #forget() {
    this.#subject = this.subject;
    this.#window.sessionStorage.removeItem(TOKEN);
  }

  #stored() {
    return this.#window.sessionStorage.getItem(TOKEN);
  }

  /** The rest of a token's life in milliseconds; a token without an end lives on. @param {string} token */
  #left(token) {
    const ends = readToken(token)?.ends;
    return ends ? ends - this.#now() : Number.POSITIVE_INFINITY;
  }

  /** Renew in good time. @param {number} [ms] from now */
  #plan(ms) {
    const token = this.#stored();
    const left = token === null ? 0 : this.#left(token);
    this.#window.clearTimeout(this.#timer);
    if (ms === undefined && (token === null || !Number.isFinite(left))) return;
    const wait = ms ?? Math.max(CLOCK_MS, left - RENEW_MS);
    this.#timer = this.#window.setTimeout(() => void this.#timed(), Math.min(wait, 2 ** 31 - 1));
  }

  async #timed() {
    const token = this.#stored();
    if (token === null || this.#renewable()) return void (await this.#renew());
    const left = this.#left(token);
    if (left > RENEW_MS) return this.#plan(); // the clock was wrong
    // Only the operator can give another token: say so while this one still works.
    this.trouble =
      left > USELESS_MS
        ? "Your token ends within two minutes. Paste a new one, or sign in again."
        : "Your token seems to have ended. Paste a new one, or sign in again.";
    this.#changed();
  }

  #changed() {
    for (const fn of this.#listeners) fn();
  }
}
