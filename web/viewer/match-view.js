// @ts-check
/** One match in the document: score, scorers, shoot-out, timeline. */

import { dayAddress } from "../address.js";
import { hasScore, isLive, isOver } from "../boards.js";
import { runningMinute } from "../clock.js";
import { dateAndTime, fullDate, isWholeDay, kickoffAt, kickoffDay, localDay, timeOfDay } from "../day.js";
import { arrange, el, heard, icon, setAttribute, setText } from "../dom.js";
import {
  aggregateOf,
  eventWords,
  isolated,
  minuteWords,
  scoreWords,
  statusWords,
  TIME_OPEN,
  viewersWords,
} from "../words.js";
import { checkOf, kicksOf, momentsOf, redCardsOf, scorersOf } from "./moments.js";
import { TimelineView } from "./timeline-view.js";

/** @import { Board, Event, Side } from "../page-types.js" */

export class MatchView {
  constructor() {
    this.back = el("a", { class: "turn", href: dayAddress(null) }, "‹ All matches");
    this.cup = el("bdi", { class: "cup" });
    this.when = el("span");
    this.about = el("p", { class: "about" }, this.cup, " ", this.when);
    this.state = el("p", { class: "match-state" });
    this.home = sideOf();
    this.away = sideOf();
    this.check = el("p", { class: "check" });
    this.homeGoals = el("span", { class: "digit digit-home" });
    this.awayGoals = el("span", { class: "digit digit-away" });
    this.start = el("span", { class: "start" });
    this.goals = el(
      "span",
      { class: "goals" },
      this.homeGoals,
      heard(" to "),
      el("span", { class: "dash", "aria-hidden": "true" }),
      this.awayGoals,
    );
    this.heading = el(
      "h1",
      { class: "score-line", tabindex: "-1" },
      el("span", { class: "team club-home" }, this.home.name, this.home.reds),
      el("span", { class: "score" }, this.goals, this.start),
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
      this.check,
      el("div", { class: "tie" }, this.heading, this.result, this.scorers),
      el("div", { class: "foot" }, this.viewers, this.flash),
    );
    this.kicks = el("section", { class: "panel shootout", hidden: "" });
    this.timeline = new TimelineView();
    this.empty = el("p", { class: "empty" });
    this.story = el("section", { class: "panel" }, el("h2", {}, "Timeline"), this.empty, this.timeline.list);
    this.found = [this.hero, this.kicks, this.story];
    this.body = el("div", {}, ...this.found);
    this.element = el(
      "article",
      { class: "match" },
      el("nav", { class: "turns", "aria-label": "Back" }, this.back),
      this.body,
    );
    this.flashUntil = 0;
    /** @type {{kind: "goal" | "cancelled", event: Event, side: Side | null} | null} */
    this.told = null;
    this.known = "";
  }

  /** No board of the match has come yet. */
  waits() {
    setText(this.empty, "Looking for the match …");
  }

  /** There is no such match. */
  misses() {
    const focused = document.activeElement === this.heading;
    const heading = el("h1", { tabindex: "-1" }, "There is no such match");
    const words = el("p", {}, "The link may be old or mistyped, or the match has been taken off the list.");
    this.body.replaceChildren(el("section", { class: "panel missing" }, heading, words));
    if (focused) heading.focus({ preventScroll: true });
  }

  /** @param {Board} board @param {number} now */
  show(board, now) {
    const events = board.events ?? [];
    const day = kickoffDay(board.kickoff);
    const scored = hasScore(board);
    arrange(this.body, this.found);
    setText(this.cup, board.competition ?? "");
    setText(this.when, aboutOf(board));
    if (day) setAttribute(this.back, "href", dayAddress(day === localDay(now) ? null : day));
    for (const [side, at] of /** @type {[Side, number][]} */ ([
      ["home", 0],
      ["away", 1],
    ])) {
      setText(this[side].name, board[side]);
      const reds = redCardsOf(events, side);
      setText(this[side].reds, reds ? (reds === 1 ? "1 red card" : `${reds} red cards`) : "");
      setAttribute(this[side].reds, "data-count", reds ? String(Math.min(reds, 4)) : null);
      const digit = side === "home" ? this.homeGoals : this.awayGoals;
      setText(digit, scored ? String(board.score[at]) : "");
      this.#scorers(side, events);
    }
    setAttribute(this.goals, "hidden", scored ? null : "");
    setText(this.start, scored ? "" : startOf(board));
    this.heading.style.setProperty("--longest", String(longestWord(`${board.home} ${board.away}`)));
    setText(this.result, resultOf(board, events));
    setText(this.check, checkOf(events) && isLive(board) ? "Video review under way" : "");
    setText(this.viewers, viewersWords(board.viewers));
    this.#shootout(board, events);
    const moments = momentsOf(events, board);
    setText(
      this.empty,
      moments.length > 0 ? "" : scored ? "Nothing has happened yet." : "It begins with the kick-off.",
    );
    this.timeline.show(moments, board);
    if (now < this.flashUntil && this.#isCorrected(events)) this.#banner(board);
    if (now < this.flashUntil && events.some((each) => each.seq === this.told?.event.seq && each.cancelled_by))
      this.flashUntil = now;
    this.tick(board, now);
  }

  /** @param {Board} board @param {number} now */
  tick(board, now) {
    const { text, ticking } = runningMinute(board, now);
    const words = statusWords(board.status);
    const stopped = board.status === "suspended" && board.clock ? minuteWords(board.clock) : "";
    setAttribute(this.state, "data-stage", isLive(board) ? "live" : null);
    setText(this.state, ticking ? `${text}′ · ${words}` : [words, stopped].filter(Boolean).join(" · "));
    if (this.flashUntil && now >= this.flashUntil) {
      this.flashUntil = 0;
      setAttribute(this.flash, "hidden", "");
      setAttribute(this.hero, "data-flash", null);
    }
  }

  /**
   * Show news in the hero until then.
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
    // As in fixture.js: a second name restarts the motion.
    setAttribute(this.hero, "data-flash", this.hero.dataset.flash === kind ? `${kind}-again` : kind);
    setAttribute(this.hero, "data-side", side);
    this.timeline.point(String(event.seq));
  }

  /** Whether the event that is told has been corrected since. @param {readonly Event[]} events */
  #isCorrected(events) {
    const event = events.find(({ seq }) => seq === this.told?.event.seq);
    return event !== undefined && event.amended_by !== this.told?.event.amended_by;
  }

  /** Show the told event, as it has been corrected since. @param {Board} board */
  #banner(board) {
    if (!this.told) return;
    const { kind, side } = this.told;
    const event = board.events?.find(({ seq }) => seq === this.told?.event.seq) ?? this.told.event;
    this.told.event = event;
    const words = kind === "goal" ? eventWords(event) : "Goal taken back";
    const who =
      kind === "goal"
        ? [event.player && isolated(event.player), minuteWords(event)].filter(Boolean).join(" ")
        : event.reason && isolated(event.reason);
    const team = side ? board[side] : "";
    const parts = [team && isolated(team), who].filter(Boolean);
    this.flash.replaceChildren(
      el("strong", {}, kind === "goal" ? `${words}!` : `${words}${parts.length ? "\u00a0·" : ""}`),
      ` ${parts.join("\u00a0· ")}`,
    );
    setAttribute(this.flash, "hidden", null);
  }

  /** @param {Side} side @param {readonly Event[]} events */
  #scorers(side, events) {
    const list = this[side].scorers;
    const scorers = scorersOf(events, side);
    const key = JSON.stringify(
      scorers.map(({ player, goals }) => [player, goals.map((goal) => [goal.seq, goalWords(goal)])]),
    );
    if (list.dataset.key === key) return;
    list.dataset.key = key;
    list.replaceChildren(
      ...scorers.map(({ player, goals }) => el("li", {}, el("bdi", {}, player || "Goal"), minutesOf(goals))),
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
    const wide = el("div", { class: "wide", tabindex: "0", role: "region", "aria-label": "Kicks" }, table);
    this.kicks.replaceChildren(el("h2", {}, "Penalty shoot-out"), wide);
    // If not all kicks fit, the last ones are visible.
    wide.scrollLeft = wide.scrollWidth;
  }
}

/** The parts of a side in the hero. */
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
const suffixOf = ({ kind }) => (kind === "penalty_goal" ? "(pen)" : kind === "own_goal" ? "(og)" : "");

/** `23′ (pen)`, empty for a goal of which no more is known. @param {Event} goal */
const goalWords = (goal) => [minuteWords(goal), suffixOf(goal)].filter(Boolean).join("\u00a0");

/** Their minutes, kept on one line with the last word of the name. @param {Event[]} goals */
function minutesOf(goals) {
  const minutes = goals.map(goalWords).filter(Boolean).join(", ");
  return minutes && `\u00a0${minutes}`;
}

/** The text in place of the score before there is one. @param {Board} board */
function startOf({ status, kickoff }) {
  if (status !== "scheduled") return "v";
  return Number.isNaN(kickoffAt(kickoff)) ? "TBC" : timeOfDay(kickoffAt(kickoff));
}

/** Leg, day and time, ground, length. @param {Board} board */
function aboutOf({ leg, kickoff, neutral, half_minutes: half = 45, status }) {
  const date = !kickoff ? "" : isWholeDay(kickoff) ? fullDate(kickoff) : dateAndTime(kickoffAt(kickoff));
  const when = date.replaceAll(" ", "\u00a0");
  const open = status === "scheduled" && Number.isNaN(kickoffAt(kickoff));
  return [
    leg && (leg === 1 ? "First leg" : "Second leg"),
    when,
    open && TIME_OPEN,
    neutral && "Neutral ground",
    half !== 45 && `2 × ${half} minutes`,
  ]
    .filter(Boolean)
    .join("\u00a0· ");
}

/** Letters of the longest word, which must fit into its column. @param {string} text */
const longestWord = (text) => Math.max(...text.split(/[\s-]+/).map((word) => [...word].length));

/** The winner, if the score alone does not show it, and the reason why play is stopped.
 * @param {Board} board @param {readonly Event[]} events */
function resultOf(board, events) {
  const turn = events.findLast((event) => event.kind === board.status && !event.cancelled_by);
  const why = turn?.reason ? `${statusWords(board.status)}: ${isolated(turn.reason)}` : "";
  return [why, penaltiesOf(board), legsOf(board)].filter(Boolean).join(" · ");
}

/** @param {Board} board */
function penaltiesOf({ status, shootout, home, away }) {
  if (!shootout) return "";
  const words = scoreWords(shootout);
  if (status !== "full_time" || shootout[0] === shootout[1]) return `Penalties ${words}`;
  const [winner, figures] = shootout[0] > shootout[1] ? [home, words] : [away, scoreWords([shootout[1], shootout[0]])];
  return `${isolated(winner)} win ${figures} on penalties`;
}

/** @param {Board} board */
function legsOf(board) {
  const both = aggregateOf(board);
  if (!both) return "";
  if (!hasScore(board)) return `First leg ${scoreWords(board.first_leg)}`;
  if (!isOver(board) || board.shootout || both[0] === both[1]) return `Aggregate ${scoreWords(both)}`;
  const [winner, figures] = both[0] > both[1] ? [board.home, both] : [board.away, [both[1], both[0]]];
  return `${isolated(winner)} win ${scoreWords(/** @type {[number, number]} */ (figures))} on aggregate`;
}
