// @ts-check
/** The scoreboard of a day in the document: competitions, each with its matches. Touches only what has changed. */

import { dayAddress } from "../address.js";
import { dayWords, longDate, shifted, shortDate } from "../day.js";
import { arrange, el, heard, setAttribute, setText } from "../dom.js";
import { Fixture } from "./fixture.js";

/** @import { Board } from "../page-types.js" */
/** @typedef {import("./news.js").News} News */
/** @typedef {import("./groups.js").Group} Group */

export class ScoreboardView {
  /** @param {string} day @param {string} today */
  constructor(day, today) {
    /** @type {Map<string, Fixture>} */
    this.fixtures = new Map();
    /** @type {Map<string, {element: HTMLElement, list: HTMLElement, count: HTMLElement}>} */
    this.groups = new Map();
    this.heading = el("h1", { tabindex: "-1" });
    this.date = el("p", { class: "date" });
    this.summary = el("p", { class: "summary" }, "Looking for the matches …");
    this.before = el("a", { class: "turn", rel: "prev" });
    this.now = el("a", { class: "turn turn-today" }, "Today");
    this.after = el("a", { class: "turn", rel: "next" });
    this.list = el("div", { class: "groups" });
    this.nothing = el(
      "section",
      { class: "panel nothing", hidden: "" },
      el("h2", {}, "No matches"),
      el("p", {}, "Nothing is on the list for this day. Look at another day, or come back later."),
    );
    this.element = el(
      "div",
      { class: "scoreboard" },
      el(
        "div",
        { class: "day" },
        el("div", { class: "day-title" }, this.heading, this.date),
        el("nav", { class: "turns", "aria-label": "Day" }, this.before, this.now, this.after),
      ),
      this.summary,
      this.list,
      this.nothing,
    );
    this.turn(day, today);
  }

  /** @param {string} day @param {string} today */
  turn(day, today) {
    const words = dayWords(day, today);
    const named = words !== shortDate(day);
    setText(this.heading, named ? words : longDate(day));
    setText(this.date, named ? longDate(day) : day.slice(0, 4));
    for (const [link, days, sign] of /** @type {[HTMLElement, number, string][]} */ ([
      [this.before, -1, "‹"],
      [this.after, 1, "›"],
    ])) {
      const to = shifted(day, days);
      const words = dayWords(to, today);
      setAttribute(link, "href", dayAddress(to === today ? null : to));
      setText(link, days < 0 ? `${sign} ${words}` : `${words} ${sign}`);
    }
    setAttribute(this.now, "href", dayAddress(null));
    setAttribute(this.now, "aria-current", day === today ? "date" : null);
    // A neighbouring link leads there already.
    setAttribute(this.now, "hidden", [shifted(today, -1), shifted(today, 1)].includes(day) ? "" : null);
  }

  /** Paint the whole list; `words` is a sentence about it, null for an empty list.
   * @param {Group[]} groups @param {string | null} words @param {number} now */
  show(groups, words, now) {
    setText(this.summary, words ?? "");
    setAttribute(this.nothing, "hidden", words === null ? null : "");
    const known = new Set();
    const sections = groups.map(({ competition, matches, live }) => {
      const group = this.#group(competition);
      setText(group.count, live ? `${live} live` : "");
      arrange(
        group.list,
        matches.map((board) => {
          known.add(board.match);
          return this.#fixture(board, now).element;
        }),
      );
      return group.element;
    });
    arrange(this.list, sections);
    for (const match of this.fixtures.keys()) if (!known.has(match)) this.fixtures.delete(match);
    const competitions = new Set(groups.map((group) => group.competition));
    for (const name of this.groups.keys()) if (!competitions.has(name)) this.groups.delete(name);
  }

  /** One match has changed, its place has not. @param {Board} board @param {number} now */
  touch(board, now) {
    this.fixtures.get(board.match)?.show(board, now);
  }

  /** @param {string} match @param {News} news @param {number} until */
  tell(match, news, until) {
    this.fixtures.get(match)?.tell(news, until);
  }

  /** @param {number} now */
  tick(now) {
    for (const fixture of this.fixtures.values()) fixture.tick(now);
  }

  /** @param {Board} board @param {number} now */
  #fixture(board, now) {
    const known = this.fixtures.get(board.match);
    if (known) {
      if (known.board !== board) known.show(board, now);
      return known;
    }
    const made = new Fixture(board, now);
    this.fixtures.set(board.match, made);
    return made;
  }

  /** @param {string} competition */
  #group(competition) {
    const known = this.groups.get(competition);
    if (known) return known;
    const count = el("span", { class: "live-count" });
    const list = el("ul", { class: "fixtures" });
    const title = el("h2", { class: "group-title" }, el("bdi", {}, competition), heard(" "), count);
    const made = { element: el("section", { class: "group" }, title, list), list, count };
    this.groups.set(competition, made);
    return made;
  }
}
