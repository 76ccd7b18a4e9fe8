// @ts-check
/** One match in the document: the score, who scored, the shoot-out, the timeline. */

import { dayAddress } from "../address.js";
import { isLive } from "../boards.js";
import { runningMinute } from "../clock.js";
import { dateAndTime, localDay } from "../day.js";
import { el, heard, icon, setAttribute, setText } from "../dom.js";
import { eventWords, isolated, minuteWords, scoreWords, statusWords, viewersWords } from "../words.js";
import { kicksOf, momentsOf, redCardsOf, scorersOf } from "./moments.js";
import { TimelineView } from "./timeline-view.js";

/** @typedef {import("../boards.js").Board} Board */
/** @typedef {import("../words.js").Event} Event */
/** @typedef {"home" | "away"} Side */

export class MatchView {
  constructor() {
    this.back = el("a", { class: "turn", href: dayAddress(null) }, "‹ All matches");
    this.about = el("p", { class: "about" });
    this.state = el("p", { class: "match-state" });
    this.home = sideOf();
    this.away = sideOf();
    this.homeGoals = el("span", { class: "digit digit-home" });
    this.awayGoals = el("span", { class: "digit digit-away" });
    this.heading = el(
      "h1",
      { class: "score-line", tabindex: "-1" },
      el("span", { class: "team club-home" }, this.home.name, this.home.reds),
      el(
        "span",
        { class: "score" },
        this.homeGoals,
        heard(" to "),
        el("span", { class: "dash", "aria-hidden": "true" }),
        this.awayGoals,
      ),
      el("span", { class: "team club-away" }, this.away.name, this.away.reds),
    );
    this.result = el("p", { class: "result" });
    this.viewers = el("p", { class: "viewers" });
    this.flash = el("p", { class: "flash", hidden: "" });
    this.scorers = el("div", { class: "scorers" }, this.home.scorers, this.away.scorers);
    this.hero = el(
      "header",
      { class: "hero" },
      this.about,
      this.state,
      this.heading,
      this.result,
      this.scorers,
      this.viewers,
      this.flash,
    );
    this.kicks = el("section", { class: "panel shootout", hidden: "" });
    this.timeline = new TimelineView();
    this.empty = el("p", { class: "empty" });
    this.element = el(
      "article",
      { class: "match" },
      el("nav", { class: "turns", "aria-label": "Back" }, this.back),
      this.hero,
      this.kicks,
      el("section", { class: "panel" }, el("h2", {}, "Timeline"), this.empty, this.timeline.list),
    );
    this.flashUntil = 0;
    /** @type {{kind: "goal" | "cancelled", event: Event, side: Side | null} | null} */
    this.told = null;
    this.known = "";
  }

  /** @param {Board} board @param {number} now */
  show(board, now) {
    const events = board.events ?? [];
    const kickoff = board.kickoff ? Date.parse(board.kickoff) : null;
    const begun = board.status !== "scheduled";
    setText(
      this.about,
      [board.competition && isolated(board.competition), kickoff && dateAndTime(kickoff)].filter(Boolean).join(" · "),
    );
    if (kickoff)
      setAttribute(
        this.back,
        "href",
        localDay(kickoff) === localDay(now) ? dayAddress(null) : dayAddress(localDay(kickoff)),
      );
    for (const [side, at] of /** @type {[Side, number][]} */ ([
      ["home", 0],
      ["away", 1],
    ])) {
      setText(this[side].name, board[side]);
      const reds = redCardsOf(events, side);
      setText(this[side].reds, reds ? (reds === 1 ? "1 red card" : `${reds} red cards`) : "");
      setAttribute(this[side].reds, "data-count", reds ? String(Math.min(reds, 4)) : null);
      const digit = side === "home" ? this.homeGoals : this.awayGoals;
      setText(digit, begun ? String(board.score[at]) : "");
      this.#scorers(side, events);
    }
    setAttribute(this.heading, "data-begun", begun ? "" : null);
    setText(this.result, resultOf(board));
    setText(this.viewers, viewersWords(board.viewers));
    this.#shootout(board, events);
    const moments = momentsOf(events);
    setText(this.empty, moments.length === 0 ? "Nothing has happened yet." : "");
    this.timeline.show(moments, board);
    if (now < this.flashUntil && this.#isCorrected(events)) this.#banner(board);
    this.tick(board, now);
  }

  /** @param {Board} board @param {number} now */
  tick(board, now) {
    const { text, ticking } = runningMinute(board, now);
    setAttribute(this.state, "data-stage", isLive(board) ? "live" : null);
    setText(this.state, ticking ? `${text}′ · ${statusWords(board.status)}` : statusWords(board.status));
    if (this.flashUntil && now >= this.flashUntil) {
      this.flashUntil = 0;
      setAttribute(this.flash, "hidden", "");
      setAttribute(this.hero, "data-flash", null);
    }
  }

  /**
   * Say in the hero what has just happened, until then.
   *
   * @param {"goal" | "cancelled"} kind
   * @param {Event} event
   * @param {Side | null} side whose score moves
   * @param {Board} board
   * @param {number} until
   */
  tell(kind, event, side, board, until) {
    this.flashUntil = until;
    this.told = { kind, event, side };
    this.#banner(board);
    // As in fixture.js: a second name begins the motion again.
    setAttribute(this.hero, "data-flash", this.hero.dataset.flash === kind ? `${kind}-again` : kind);
    setAttribute(this.hero, "data-side", side);
    this.timeline.point(String(event.seq));
  }

  /** Whether the event that is told has been corrected since. @param {readonly Event[]} events */
  #isCorrected(events) {
    const event = events.find(({ seq }) => seq === this.told?.event.seq);
    return event !== undefined && event.amended_by !== this.told?.event.amended_by;
  }

  /** What is told, as it has been corrected since. @param {Board} board */
  #banner(board) {
    if (!this.told) return;
    const { kind, side } = this.told;
    const event = board.events?.find(({ seq }) => seq === this.told?.event.seq) ?? this.told.event;
    this.told.event = event;
    const words = kind === "goal" ? eventWords(event) : "Goal taken back";
    const who =
      kind === "goal"
        ? [event.player && isolated(event.player), minuteWords(event)].filter(Boolean).join(" ")
        : event.reason;
    const team = side ? board[side] : "";
    this.flash.replaceChildren(
      el("strong", {}, kind === "goal" ? `${words}!` : words),
      ` ${[isolated(team), who].filter(Boolean).join(" · ")}`,
    );
    setAttribute(this.flash, "hidden", null);
  }

  /** @param {Side} side @param {readonly Event[]} events */
  #scorers(side, events) {
    const list = this[side].scorers;
    const scorers = scorersOf(events, side);
    const key = JSON.stringify(
      scorers.map(({ player, goals }) => [player, goals.map((goal) => [goal.seq, minuteWords(goal)])]),
    );
    if (list.dataset.key === key) return;
    list.dataset.key = key;
    list.replaceChildren(
      ...scorers.map(({ player, goals }) =>
        el(
          "li",
          {},
          el("bdi", {}, player || "Goal"),
          ` ${goals.map((goal) => minuteWords(goal) + suffixOf(goal)).join(", ")}`,
        ),
      ),
    );
  }

  /** @param {Board} board @param {readonly Event[]} events */
  #shootout(board, events) {
    const sides = /** @type {Side[]} */ (["home", "away"]).map((side) => ({ side, kicks: kicksOf(events, side) }));
    const key = JSON.stringify([
      board.shootout,
      board.home,
      board.away,
      sides.map(({ kicks }) => kicks.map((kick) => [kick.seq, kick.amended_by])),
    ]);
    if (this.known === key) return;
    this.known = key;
    setAttribute(this.kicks, "hidden", board.shootout ? null : "");
    if (!board.shootout) return;
    const rounds = Math.max(5, ...sides.map(({ kicks }) => kicks.length));
    const numbers = Array.from({ length: rounds }, (_, index) => index);
    const head = el(
      "tr",
      {},
      el("th", { scope: "col" }, heard("Team")),
      ...numbers.map((index) => el("th", { scope: "col" }, String(index + 1))),
    );
    head.append(el("th", { scope: "col" }, heard("Scored")));
    const rows = sides.map(({ side, kicks }, place) =>
      el(
        "tr",
        {},
        el("th", { scope: "row" }, el("bdi", {}, board[side])),
        ...numbers.map((index) => kickCell(kicks[index])),
        el("td", { class: "total" }, String(board.shootout?.[place] ?? 0)),
      ),
    );
    const table = el(
      "table",
      {},
      el("caption", { class: "unseen" }, "Kicks of the shoot-out"),
      el("thead", {}, head),
      el("tbody", {}, ...rows),
    );
    this.kicks.replaceChildren(
      el("h2", {}, "Penalty shoot-out"),
      el("div", { class: "wide", tabindex: "0", role: "region", "aria-label": "Kicks" }, table),
    );
  }
}

/** What a side has in the hero. */
function sideOf() {
  return { name: el("bdi"), reds: el("span", { class: "reds" }), scorers: el("ul") };
}

/** @param {Event | undefined} kick */
function kickCell(kick) {
  if (!kick) return el("td", { class: "kick" }, heard("not taken"));
  const cell = el(
    "td",
    { class: "kick", "data-scored": String(kick.scored) },
    icon(kick.scored ? "in" : "out"),
    heard(kick.scored ? "scored" : "missed"),
  );
  if (kick.player) cell.append(heard(` by ${isolated(kick.player)}`));
  return cell;
}

/** @param {Event} goal */
const suffixOf = ({ kind }) => (kind === "penalty_goal" ? " (pen)" : kind === "own_goal" ? " (og)" : "");

/** Who has won, where the score alone does not say it. @param {Board} board */
function resultOf({ status, shootout, home, away }) {
  if (!shootout) return "";
  const words = scoreWords(shootout);
  if (status !== "full_time" || shootout[0] === shootout[1]) return `Penalties ${words}`;
  const [winner, figures] = shootout[0] > shootout[1] ? [home, words] : [away, scoreWords([shootout[1], shootout[0]])];
  return `${isolated(winner)} win ${figures} on penalties`;
}
