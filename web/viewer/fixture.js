// @ts-check
/** One match as a line of the scoreboard: where it stands, who plays, the score, and what has just happened. */

import { matchAddress } from "../address.js";
import { isLive } from "../boards.js";
import { runningMinute } from "../clock.js";
import { timeOfDay } from "../day.js";
import { el, heard, setAttribute, setText } from "../dom.js";
import { isolated, kindWords, minuteWords, scoreWords, statusWords, viewersWords } from "../words.js";

/** @typedef {import("../boards.js").Board} Board */
/** @typedef {import("../boards.js").News} News */

export class Fixture {
  /** @param {Board} board @param {number} now */
  constructor(board, now) {
    this.board = board;
    this.sign = el("span", { class: "sign" });
    this.signHeard = heard("");
    this.home = el("bdi");
    this.away = el("bdi");
    this.homeGoals = el("span", { class: "goals goals-home" });
    this.awayGoals = el("span", { class: "goals goals-away" });
    this.note = el("span", { class: "note" });
    this.link = el(
      "a",
      { class: "fixture", href: matchAddress(board.match) },
      el("span", { class: "state" }, withHidden(this.sign), this.signHeard),
      el("span", { class: "team team-home" }, this.home),
      this.homeGoals,
      el("span", { class: "team team-away" }, this.away),
      this.awayGoals,
      this.note,
    );
    this.element = el("li", {}, this.link);
    /** @type {{news: News, until: number} | null} */
    this.news = null;
    this.show(board, now);
  }

  /** Paint what has changed. @param {Board} board @param {number} now */
  show(board, now) {
    this.board = board;
    setText(this.home, board.home);
    setText(this.away, board.away);
    const begun = board.status !== "scheduled";
    setText(this.homeGoals, begun ? String(board.score[0]) : "");
    setText(this.awayGoals, begun ? String(board.score[1]) : "");
    setAttribute(this.link, "data-stage", isLive(board) ? "live" : begun ? "over" : "ahead");
    setAttribute(this.link, "data-leads", leader(board));
    this.tick(now);
    this.#note();
  }

  /** The minute goes on; old news ends. @param {number} now */
  tick(now) {
    const { sign, words } = signOf(this.board, now);
    setText(this.sign, sign);
    setText(this.signHeard, `${words}: `);
    if (this.news !== null && now >= this.news.until) {
      this.news = null;
      setAttribute(this.link, "data-news", null);
      this.#note();
    }
  }

  /** Show that something has just happened, until then. @param {News} news @param {number} until */
  tell(news, until) {
    this.news = { news, until };
    // Taken off and set again in the next frame, the motion would begin anew; two names for one motion do the same
    // without asking the browser to lay anything out in between.
    const again = this.link.getAttribute("data-news") === news.kind ? `${news.kind}-again` : news.kind;
    setAttribute(this.link, "data-news", again);
    setAttribute(this.link, "data-side", news.side);
    this.#note();
  }

  #note() {
    setText(this.note, this.news ? newsWords(this.news.news) : noteWords(this.board));
  }
}

/** @param {HTMLElement} element */
function withHidden(element) {
  element.setAttribute("aria-hidden", "true");
  return element;
}

/** What stands before the names, for the eye and for the ear. @param {Board} board @param {number} now */
function signOf(board, now) {
  if (board.status === "scheduled") {
    const at = board.kickoff ? timeOfDay(Date.parse(board.kickoff)) : "–";
    return { sign: at, words: `Kick-off ${at}` };
  }
  const { text, ticking } = runningMinute(board, now);
  return ticking
    ? { sign: `${text}′`, words: `Live, minute ${text}` }
    : { sign: text, words: statusWords(board.status) };
}

/** @param {Board} board */
function leader({ status, score, shootout }) {
  if (status === "scheduled") return null;
  const [home, away] = score[0] === score[1] && shootout ? shootout : score;
  return home > away ? "home" : away > home ? "away" : null;
}

/** @param {News} news */
function newsWords({ kind, event }) {
  if (kind === "cancelled") return event?.reason ? `Goal taken back: ${isolated(event.reason)}` : "Goal taken back";
  const what = event && event.kind !== "shootout_kick" ? kindWords(event.kind) : "Scored";
  return [`${what}!`, event?.player ? isolated(event.player) : "", event ? minuteWords(event) : ""].join(" ").trim();
}

/** @param {Board} board */
function noteWords(board) {
  if (board.shootout) return `Penalties ${scoreWords(board.shootout)}`;
  return isLive(board) ? viewersWords(board.viewers) : "";
}
