// @ts-check
/**
 * The scoreboard of a day: reads the list over HTTP, follows the scores of live matches, and paints at most once a frame.
 * All boards go through `joined`, so an older board never replaces a newer one.
 */

import { hasScore, isLive, isOutdated, isOver, joined, Said } from "../boards.js";
import { localDay, shifted, utcDayOf, utcDays } from "../day.js";
import { announcement } from "../words.js";
import { grouped, isOn, pauseOfList, toFollow } from "./groups.js";
import { newsBetween } from "./news.js";
import { ScoreboardView } from "./scoreboard-view.js";

/** @import { Follow } from "../livescore.js" */
/** @import { Board } from "../page-types.js" */
/** @import { News } from "./news.js" */
/** @import { Page } from "./viewer.js" */

/** The approximate pause after a failed read. */
const RETRY = 4_000;

/** The time that news stays on a line. */
const NEWS = 15_000;

/** 200 matches each. */
const MOST_PAGES = 50;

const SUMMARY = ["live", "to come", "postponed", "finished", "abandoned", "called off"];

/** @type {Readonly<Record<string, string>>} */
const COUNTED = {
  postponed: "postponed",
  full_time: "finished",
  awarded: "finished",
  abandoned: "abandoned",
  called_off: "called off",
};

export class Scoreboard {
  /** @param {Page} page @param {string | null} day null is today, and goes on with midnight */
  constructor(page, day) {
    this.page = page;
    this.chosen = day;
    /** @type {Map<string, Board>} */
    this.boards = new Map();
    /** @type {Map<string, Follow>} */
    this.follows = new Map();
    /** @type {Map<string, number>} when the library last told of a match, by a clock that only goes forward */
    this.followedAt = new Map();
    /** @type {Set<string>} what has changed since the last frame */
    this.dirty = new Set();
    /** @type {{match: string, news: News}[]} told at the next frame */
    this.news = [];
    this.whole = true;
    this.frame = 0;
    this.read = false;
    /** @type {Map<string, Said>} */
    this.said = new Map();
    /** @type {Set<string>} matches heard of since this screen was opened; what was kept is no news */
    this.heard = new Set();
    this.day = this.#dayNow();
    this.view = new ScoreboardView(this.day, localDay(page.now()));
    this.element = this.view.element;
    this.readAt = 0;
    /** The day of which no match of the day before is left to be played. */
    this.ended = "";
    /** ms until the next read when the last one failed; null if it did not. @type {number | null} */
    this.retry = null;
  }

  get title() {
    return "Scores";
  }

  get list() {
    return true;
  }

  start() {
    const kept = this.page.shelf.get(`day.${this.day}`);
    if (kept) {
      this.page.showsKept(kept.at);
      for (const board of kept.value) this.boards.set(board.match, board);
      this.#paint();
    }
    this.refresh();
  }

  stop() {
    cancelAnimationFrame(this.frame);
    this.#keep();
    for (const follow of this.follows.values()) follow.close();
    this.follows.clear();
  }

  /** Once a second. @param {number} now */
  tick(now) {
    const day = this.#dayNow();
    if (day !== this.day) {
      this.day = day;
      this.boards.clear();
      this.whole = true;
      this.view.turn(day, localDay(now));
      this.refresh();
    } else if (!document.hidden && Date.now() - this.readAt > (this.retry ?? this.#pause())) {
      this.refresh();
    }
    this.view.tick(now);
  }

  /** Read the list again: the socket brings goals sooner, but neither numbers of viewers nor new matches. */
  async refresh() {
    this.readAt = Date.now();
    const { page, day } = this;
    const days = utcDays(day);
    const failed = await this.#readDays(days);
    if (this.#isGone(day)) return;
    // Full jitter, for the moment when the service is back.
    this.retry = failed === null ? null : RETRY * (0.5 + Math.random());
    if (failed === null) {
      this.read = true;
      page.heardNow();
    }
    page.hasRead(failed);
    this.whole = true;
    this.#later();
    this.#keep();
    // Live matches of the day before wait until the day itself is there; those that are over are not read
    // again.
    if (failed === null && day === localDay(page.now())) {
      const before = utcDays(shifted(day, -1)).filter((each) => !days.includes(each));
      if (this.ended !== day && (await this.#readDays(before)) !== null) {
        if (!this.#isGone(day)) this.retry = RETRY * (0.5 + Math.random());
        return;
      }
      const left = [...this.boards.values()].some(
        (board) => before.includes(utcDayOf(board.kickoff) ?? "") && !isOver(board),
      );
      if (!left && !this.#isGone(day)) this.ended = day;
    }
  }

  #pause() {
    return pauseOfList(this.page.open, [...this.boards.values()], this.page.now());
  }

  /** Returns what the first of the reads was rejected with, null if none was. @param {string[]} days */
  async #readDays(days) {
    const { day } = this;
    const answers = await Promise.allSettled(
      days.map(async (each) => {
        const listed = new Set();
        for (let number = 1, more = true; more; number++) {
          const list = await this.page.reader.day(each, number);
          if (this.#isGone(day)) return;
          for (const board of list.matches) {
            listed.add(board.match);
            this.#read(board);
          }
          more = Boolean(list.more) && number < MOST_PAGES;
        }
        this.#drop(each, listed);
      }),
    );
    return answers.find((answer) => answer.status === "rejected")?.reason ?? null;
  }

  /** A match without a score that is on its day's list no longer was taken off it. @param {string} day @param {Set<string>} listed */
  #drop(day, listed) {
    for (const [match, board] of this.boards) {
      if (listed.has(match) || hasScore(board) || utcDayOf(board.kickoff) !== day) continue;
      this.boards.delete(match);
      this.whole = true;
    }
  }

  /** An answer over HTTP tells of a match. @param {Board} board */
  #read(board) {
    const { match } = board;
    const since = performance.now() - (this.followedAt.get(match) ?? Number.NEGATIVE_INFINITY);
    if (isOutdated(this.boards.get(match) ?? null, board, since)) return;
    this.#saidOf(match).read(board);
    this.#hear(board);
  }

  /** @param {string} match */
  #saidOf(match) {
    const said = this.said.get(match) ?? new Said();
    this.said.set(match, said);
    return said;
  }

  /** Whether the viewer has gone on to another screen or day. @param {string} day */
  #isGone(day) {
    return this.page.screen !== this || day !== this.day;
  }

  /** The library is there, or it is time to look what to follow. */
  follow() {
    const { live } = this.page;
    if (live === null) return;
    const wanted = new Set(toFollow(this.#shown(), this.page.now()));
    for (const [match, follow] of this.follows) {
      if (wanted.has(match)) continue;
      follow.close();
      this.follows.delete(match);
    }
    for (const match of wanted) {
      if (this.follows.has(match)) continue;
      const board = this.boards.get(match);
      const position = board ? { epoch: board.epoch, seq: board.seq } : null;
      const follow = live.follow(match, { only: "score" }, position);
      this.follows.set(match, follow);
      follow.on("change", (changed) => {
        this.followedAt.set(match, performance.now());
        this.#hear(this.#saidOf(match).live(/** @type {Board} */ (changed)));
      });
      follow.on("error", ({ code, message }) => this.page.notices.say("following", this.page.words(code, message)));
    }
  }

  /** Something is told of a match, by HTTP or by the socket. @param {Board} heard */
  #hear(heard) {
    const before = this.boards.get(heard.match) ?? null;
    const board = joined(before, heard);
    this.boards.set(heard.match, board);
    if (before === null || before.status !== board.status || before.epoch !== board.epoch) this.whole = true;
    this.dirty.add(heard.match);
    const news = this.heard.has(heard.match) ? newsBetween(before, board) : null;
    this.heard.add(heard.match);
    if (news) this.#tell(board, news);
    this.#later();
  }

  /** @param {Board} board @param {News} news */
  #tell(board, news) {
    this.news.push({ match: board.match, news });
    const taken = board.events?.find((event) => event.seq === news.event?.cancels_seq);
    const said = news.event
      ? announcement(
          news.event,
          board,
          taken ?? { seq: 0, at: 0, kind: news.kick ? "shootout_kick" : "goal", team: news.side },
        )
      : null;
    if (said) this.page.announcer.say(said);
  }

  #later() {
    if (this.frame) return;
    this.frame = requestAnimationFrame(() => this.#paint());
  }

  #paint() {
    cancelAnimationFrame(this.frame);
    this.frame = 0;
    const now = this.page.now();
    if (this.whole) {
      const boards = this.#shown();
      this.view.show(grouped(boards), this.#summary(boards), now);
      this.follow();
    } else {
      for (const match of this.dirty) this.view.touch(/** @type {Board} */ (this.boards.get(match)), now);
    }
    for (const { match, news } of this.news) this.view.tell(match, news, now + NEWS);
    this.whole = false;
    this.dirty.clear();
    this.news = [];
    this.page.painted();
  }

  #shown() {
    const now = this.page.now();
    const today = localDay(now);
    return [...this.boards.values()].filter((board) => isOn(board, this.day, today, now));
  }

  /** @param {Board[]} boards */
  #summary(boards) {
    if (boards.length === 0) return this.read ? null : "Looking for the matches …";
    const counts = new Map(SUMMARY.map((words) => [words, 0]));
    for (const board of boards) {
      const words = isLive(board) ? "live" : (COUNTED[board.status] ?? "to come");
      counts.set(words, (counts.get(words) ?? 0) + 1);
    }
    const parts = [...counts].filter(([, count]) => count > 0);
    return parts.map(([words, count]) => `${count} ${words}`.replaceAll(" ", "\u00a0")).join("\u00a0· ");
  }

  #dayNow() {
    return this.chosen ?? localDay(this.page.now());
  }

  #keep() {
    if (!this.read) return;
    const boards = this.#shown().map(({ events: _, ...board }) => board);
    this.page.keep(`day.${this.day}`, boards);
  }
}
