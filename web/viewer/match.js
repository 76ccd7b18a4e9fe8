// @ts-check
/**
 * One match: first this device's stored board, then the snapshot over HTTP, then every event as it comes. A comparison
 * with the painted board finds the new events, so each event is shown once.
 */

import { isMatchId } from "../address.js";
import { hasScore, isGoal, isOutdated, joined, pauseOfMatch, Said } from "../boards.js";
import { ReadError } from "../origin.js";
import { announcement, errorWords, isolated, scoreWords, standing } from "../words.js";
import { MatchView } from "./match-view.js";

/** @import { Follow } from "../livescore.js" */
/** @import { Board } from "../page-types.js" */
/** @import { Page } from "./viewer.js" */

const NEWS = 12_000;

/** More new events at once are announced as one: a viewer that was away wants the score. */
const MOST_TOLD = 2;

export class Match {
  /** @param {Page} page @param {string} match */
  constructor(page, match) {
    this.page = page;
    this.match = match;
    this.view = new MatchView();
    this.element = this.view.element;
    /** @type {Board | null} */
    this.board = null;
    /** @type {Board | null} */
    this.shown = null;
    this.said = new Said();
    /** @type {Follow | null} */
    this.livescore = null;
    this.frame = 0;
    this.readAt = 0;
    /** When the library last changed the board, by a monotonic clock. */
    this.followedAt = Number.NEGATIVE_INFINITY;
    this.told = false;
    this.missing = false;
    /** The first read has not ended, and there is no board. */
    this.reading = false;
  }

  get list() {
    return false;
  }

  get title() {
    const { board } = this;
    if (board === null) return "Match";
    return `${isolated(board.home)} ${hasScore(board) ? scoreWords(board.score) : "–"} ${isolated(board.away)}`;
  }

  start() {
    const kept = this.page.shelf.get(`match.${this.match}`);
    if (kept) {
      this.page.showsKept(kept.at);
      this.board = kept.value;
      this.#paint();
    } else {
      this.view.waits();
      this.reading = true;
    }
    this.refresh();
  }

  stop() {
    cancelAnimationFrame(this.frame);
    this.#keep();
    this.livescore?.close();
  }

  /** Once a second. @param {number} now */
  tick(now) {
    if (this.reading) this.#readEnds();
    const { open, unread, libraryReadAt } = this.page;
    const readAt = Math.max(this.readAt, libraryReadAt);
    if (Date.now() - readAt > pauseOfMatch({ open, failed: unread !== null }) && !document.hidden) this.refresh();
    if (this.shown) this.view.tick(this.shown, now);
  }

  async refresh() {
    this.readAt = Date.now();
    const { page } = this;
    try {
      const board = await page.reader.match(this.match);
      if (page.screen !== this) return;
      this.missing = this.reading = false;
      page.heardNow();
      page.hasRead();
      if (isOutdated(this.board, board, performance.now() - this.followedAt)) return this.follow();
      this.said.read(board);
      this.#hear(board);
    } catch (error) {
      if (page.screen !== this) return;
      if (error instanceof ReadError && error.code === "unknown_match") this.#isMissing();
      else page.hasRead(error);
    }
    this.#readEnds();
  }

  #readEnds() {
    this.reading = false;
    if (!this.missing) this.follow();
  }

  /**
   * Begin to follow when the library is there and the first read has ended, or at the next tick: from the position of a
   * board that was read, the socket brings only later events.
   */
  follow() {
    const { live } = this.page;
    if (live === null || this.livescore !== null || this.reading || !isMatchId(this.match)) return;
    const follow = live.follow(
      this.match,
      { history: true },
      this.board && /** @type {any} */ ({ events: [], ...this.board, only: null }),
    );
    this.livescore = follow;
    follow.on("change", (board) => {
      this.page.heardNow();
      this.followedAt = performance.now();
      this.#hear(this.said.live(/** @type {Board} */ (board)));
    });
    follow.on("error", ({ code, message }) => {
      if (code === "unknown_match") this.#isMissing();
      else this.page.notices.say("following", this.page.words(code, message));
    });
  }

  /** The service knows no such match. The page asks again: the match may be created soon. */
  #isMissing() {
    const { page } = this;
    this.missing = true;
    this.livescore?.close();
    this.livescore = null;
    if (this.board) page.notices.say("following", errorWords("no_longer"));
    else this.view.misses();
    page.hasRead();
  }

  /** @param {Board} heard */
  #hear(heard) {
    this.board = joined(this.board, heard);
    this.page.notices.say("following", null);
    this.frame ||= requestAnimationFrame(() => this.#paint());
  }

  #paint() {
    cancelAnimationFrame(this.frame);
    this.frame = 0;
    const { board, shown, page } = this;
    if (board === null || board === shown) return;
    const now = page.now();
    this.view.show(board, now);
    // Events are announced only after the first answer: the stored board may be hours old.
    if (this.told && shown && shown.epoch === board.epoch) this.#tell(shown, board, now);
    this.told = this.page.fresh;
    this.shown = board;
    page.painted();
    if (shown === null || shown.seq !== board.seq) this.#keep();
  }

  /** @param {Board} before @param {Board} board @param {number} now */
  #tell(before, board, now) {
    const events = board.events ?? [];
    const known = new Map(events.map((event) => [event.seq, event]));
    // An event that came and was cancelled between two paints was never seen: neither is announced.
    const fresh = events.filter(
      ({ seq, kind, cancelled_by, cancels_seq = 0 }) =>
        seq > before.seq && kind !== "amendment" && !cancelled_by && !(cancels_seq > before.seq),
    );
    if (fresh.length > MOST_TOLD) {
      this.page.announcer.say(`${fresh.length} new events: ${standing(board)}.`);
    } else {
      for (const event of fresh) {
        const said = announcement(event, board, known.get(event.cancels_seq ?? 0));
        if (said) this.page.announcer.say(said);
      }
    }
    for (const event of fresh) {
      const taken = known.get(event.cancels_seq ?? 0);
      if (isGoal(event) || (event.kind === "shootout_kick" && event.scored)) {
        this.view.tell("goal", event, event.team ?? null, board, now + NEWS);
      } else if (taken && isGoal(taken)) {
        this.view.tell("cancelled", event, taken.team ?? null, board, now + NEWS);
        this.view.timeline.point(String(taken.seq));
      } else {
        this.view.timeline.point(String(event.seq));
      }
    }
  }

  #keep() {
    if (this.board) this.page.keep(`match.${this.match}`, this.board);
  }
}
