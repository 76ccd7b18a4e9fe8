// @ts-check
/** One match as a line of the scoreboard: its status, its teams, the score, and its latest news. */

import { matchAddress } from "../address.js";
import { hasScore, isLive, isOver } from "../boards.js";
import { runningMinute, written } from "../clock.js";
import { isWholeDay, kickoffAt, timeOfDay } from "../day.js";
import { el, heard, setAttribute, setText } from "../dom.js";
import {
  aggregateOf,
  isolated,
  kindWords,
  minuteWords,
  scoreWords,
  statusSign,
  statusWords,
  TIME_OPEN,
  viewersWords,
} from "../words.js";

/** @import { Board } from "../page-types.js" */
/** @typedef {import("./news.js").News} News */

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
    const scored = hasScore(board);
    setText(this.homeGoals, scored ? String(board.score[0]) : "");
    setText(this.awayGoals, scored ? String(board.score[1]) : "");
    setAttribute(this.link, "data-stage", isLive(board) ? "live" : isOver(board) ? "over" : "ahead");
    setAttribute(this.link, "data-scored", scored ? "" : null);
    setAttribute(this.link, "data-status", board.status);
    this.#correct(board);
    setAttribute(this.link, "data-leads", leader(board));
    this.tick(now);
    this.#note();
  }

  /** The minute goes on; old news ends. @param {number} now */
  tick(now) {
    const { sign, words } = signOf(this.board, now);
    setText(this.sign, sign);
    setText(this.signHeard, `${words}: `);
    setAttribute(this.sign, "data-long", sign.length > 6 ? "" : null);
    if (this.news !== null && now >= this.news.until) {
      this.news = null;
      setAttribute(this.link, "data-news", null);
      this.#note();
    }
  }

  /** Show that something has just happened, until then. @param {News} news @param {number} until */
  tell(news, until) {
    this.news = { news, until };
    // Removing the class and setting it in the next frame would restart the motion; two names for it do the same
    // without asking the browser to lay anything out in between.
    const again = this.link.getAttribute("data-news") === news.kind ? `${news.kind}-again` : news.kind;
    setAttribute(this.link, "data-news", again);
    setAttribute(this.link, "data-side", news.side);
    this.#note();
  }

  /** The scorer that is told may have been corrected since. @param {Board} board */
  #correct({ events }) {
    const told = this.news?.news.event;
    const event = told && events?.find(({ seq }) => seq === told.seq);
    if (this.news && event) this.news.news = { ...this.news.news, event };
  }

  #note() {
    const words = noteWords(this.board);
    if (this.news === null) return setText(this.note, words);
    const { news } = this.news;
    // A kick means little without the score.
    setText(this.note, news.kick ? [newsWords(news), words].filter(Boolean).join(" · ") : newsWords(news));
  }
}

/** @param {HTMLElement} element */
function withHidden(element) {
  element.setAttribute("aria-hidden", "true");
  return element;
}

/** The sign before the names, for the eye and for the ear. @param {Board} board @param {number} now */
function signOf(board, now) {
  if (board.status === "scheduled") {
    const at = kickoffAt(board.kickoff);
    if (Number.isNaN(at)) return { sign: "TBC", words: TIME_OPEN };
    return { sign: timeOfDay(at), words: `Kick-off ${timeOfDay(at)}` };
  }
  const { text, ticking } = runningMinute(board, now);
  return ticking
    ? { sign: `${text}′`, words: `Live, minute ${text}` }
    : { sign: statusSign(board.status), words: statusWords(board.status) };
}

/** @param {Board} board */
function leader(board) {
  if (!hasScore(board)) return null;
  const { score, shootout } = board;
  const [home, away] = score[0] === score[1] && shootout ? shootout : score;
  return home > away ? "home" : away > home ? "away" : null;
}

/** @param {News} news */
export function newsWords({ kind, event, kick }) {
  if (kind === "cancelled")
    return [kick ? "Kick taken back" : "Goal taken back", event?.reason && isolated(event.reason)]
      .filter(Boolean)
      .join(": ");
  const what = event && event.kind !== "shootout_kick" ? kindWords(event.kind) : "Scored";
  const who = [event?.player && isolated(event.player), event && minuteWords(event)].filter(Boolean).join("\u00a0");
  return `${what}! ${who}`.trim();
}

/** @param {Board} board */
function noteWords(board) {
  const parts = [];
  if (board.status === "scheduled" && isWholeDay(board.kickoff)) parts.push(TIME_OPEN);
  if (/^extra_/.test(board.status)) parts.push("Extra time");
  if (/^(suspended|abandoned)$/.test(board.status) && board.clock)
    parts.push(`Stopped in minute ${written(board.clock.minute, board.clock.stoppage)}`);
  if (board.shootout) parts.push(`Penalties ${scoreWords(board.shootout)}`);
  const both = aggregateOf(board);
  if (both) parts.push(hasScore(board) ? `Aggregate ${scoreWords(both)}` : `First leg ${scoreWords(board.first_leg)}`);
  if (parts.length === 0 && isLive(board)) parts.push(viewersWords(board.viewers));
  return parts.join(" · ");
}
