// @ts-check
/** Turns the operator's acts into entries of the outbox. It does not use the page. */

import { written } from "../clock.js";
import { isCorrectable, UNDO_MS } from "./desk.js";
import { interruption, readReason, shootoutKick, substitution, teamEvent, varDecision } from "./event-form.js";
import { whistlesOf } from "./interruptions.js";
import { other } from "./lineup.js";
import { expected, phasesAfter } from "./match-rules.js";
import { isCancelled, newEntry, newId, takeBack } from "./outbox.js";
import { Presses } from "./presses.js";
import { isBehind, whyNotNow } from "./rules.js";

/** @typedef {import("./outbox.js").Entry} Entry */
/** @typedef {import("../livescore.js").Board} Board */
/** @typedef {"home" | "away"} Side */
/** @typedef {{player: string, assist: string, minute: string, sort: string, bench?: boolean}} Fields */
/** @typedef {{entry: Entry} | {wrong: string, field?: string} | {echo: true}} Result */
/** @typedef {{kind: string, [field: string]: unknown}} Event */

/** The reason of a cancellation before the corrected event. */
export const CORRECTED = "Corrected";

/**
 * @typedef {object} Surroundings
 * @property {import("./outbox-store.js").OutboxStore} store
 * @property {Crypto} crypto
 * @property {() => number} now milliseconds since 1970 by the server's clock
 * @property {() => number} ticks milliseconds of a clock that nobody sets
 * @property {() => string | null} subject of the token that is there, null for nobody's
 * @property {() => string | null} [name] of the person, as the token says it
 * @property {(match: string) => {has: (id: string) => boolean}} waits ids of entries that a person must say to post
 * @property {(match: string) => void} posted told when a match has new entries
 */

/** Another desk's event counts as seen after this many milliseconds on the board. */
const READ_MS = 1500;
const MOST_SHOWN = 20;

/** For this many milliseconds after a press without a player, a pressed name belongs to that press. */
const NAMING_MS = 60_000;

export class Actions {
  /** @type {string | null} */
  match = null;
  /** @type {Board | null} */
  #board = null;
  /** @type {{seq: number, at: number}[]} the newest events that boards of this match had, and when they were shown */
  #shown = [];
  /** Whether the board is surely up to date, so that the desk itself may refuse an event. */
  sure = false;
  /** @type {Surroundings} */
  #with;
  #presses = new Presses();
  /** @type {{id: string, match: string, what: string, at: number}[]} */
  #recent = [];
  /** The last press. @type {{id: string, match: string, at: number} | null} */
  #last = null;

  /** @param {Surroundings} surroundings */
  constructor(surroundings) {
    this.#with = surroundings;
  }

  get board() {
    return this.#board;
  }

  set board(board) {
    const first = board === null || board.epoch !== this.#board?.epoch || board.match !== this.#board?.match;
    if (first) this.#shown = [];
    if (board && board.seq !== this.#shown.at(-1)?.seq)
      this.#shown = [...this.#shown, { seq: board.seq, at: first ? -READ_MS : this.#with.ticks() }].slice(-MOST_SHOWN);
    this.#board = board;
  }

  /** The newest event that the operator had time to read; the first board of a match counts as read. */
  #seen() {
    const read = this.#shown.findLast(({ at }) => this.#with.ticks() - at >= READ_MS);
    return read ?? this.#shown[0];
  }

  /** The board as it will be once all that goes out by itself is applied; null before there is one. @returns {Board | null} */
  expected() {
    if (!this.board || !this.match) return null;
    const waits = this.#with.waits(this.match);
    const entries = this.#with.store.entries(this.match).filter((entry) => !waits.has(entry.id));
    return /** @type {Board} */ (expected(/** @type {any} */ (this.board), entries));
  }

  /**
   * Post the event of a button or a key.
   *
   * @param {string} action
   * @param {Side} side
   * @param {Fields} fields
   * @returns {Result}
   */
  press(action, side, fields) {
    const kind = action === "goal" ? fields.sort : action;
    const scored = action === "kick_scored";
    const event =
      scored || action === "kick_missed"
        ? shootoutKick(side, scored, fields.player)
        : teamEvent(kind, side, fields, this.#lengths);
    return this.#post(event, `${action}/${side}`, { who: fields.player.trim() });
  }

  /** Post a whistle: the one named, or the usual next one. @param {string} [kind] @returns {Result} */
  whistle(kind) {
    const next = kind ?? whistlesOf(phasesAfter(this.expected()?.status ?? ""))[0];
    if (!next)
      return { wrong: this.board ? "There is no whistle left: the match is over." : "The match is not known yet." };
    // For every whistle: the button of the next whistle is at the same place, so a double press must not post it.
    return this.#post({ kind: next }, "whistle");
  }

  /**
   * Post that play is stopped, or that the match is decided off the pitch.
   *
   * @param {string} kind
   * @param {{reason: string, home?: string, away?: string}} fields
   * @returns {Result}
   */
  interrupt(kind, fields) {
    return this.#post(interruption(kind, fields), `interruption/${kind}`);
  }

  /** @param {Side} side @param {{on: string, off: string, minute: string, nobody?: boolean}} fields @returns {Result} */
  substitute(side, fields) {
    return this.#post(substitution(side, fields, this.#lengths), `substitution/${side}/${fields.on}/${fields.off}`);
  }

  /**
   * Post the video assistant's decision, and a cancellation of the event if the decision cancels it.
   *
   * @param {{decision: string, minute: string, about?: string, team?: string}} review
   * @param {string | null} reason for the viewers; null if nothing is taken back
   * @returns {Result}
   */
  review(review, reason) {
    // Checked before the decision is posted, because half of it would stay.
    const why = readReason(reason ?? "");
    if ("wrong" in why) return why;
    const result = this.#post(
      varDecision(review.decision, review, this.#lengths),
      `var/${review.decision}/${review.about ?? ""}`,
    );
    if (!("entry" in result) || !review.about || reason === null) return result;
    // There is no undo of the decision, because it would not bring back the event.
    if ("entry" in this.cancel(review.about, reason))
      this.#recent = this.#recent.filter((press) => press.id !== result.entry.id);
    return result;
  }

  /** Post a cancellation. @param {string} id @param {string} reason @returns {Result} */
  cancel(id, reason) {
    const why = readReason(reason);
    if ("wrong" in why) return why;
    const match = this.match ?? "";
    const mine = this.#with.store.read({ match, id });
    if (mine && mine.state !== "applied") return this.#takeBack(mine, why.reason);
    return this.#post({ kind: "cancellation", cancels: id, ...why }, `cancel/${id}`);
  }

  /**
   * Correct an event. Names and the minute are amended. For another team or kind the event is cancelled and posted again;
   * the second only if the first was applied. If the rules would refuse the second, nothing is posted: the event would be
   * lost.
   *
   * @param {string} id
   * @param {string} kind
   * @param {Side} side
   * @param {Fields} fields
   * @returns {Result}
   */
  correct(id, kind, side, fields) {
    const bench = this.#standing(id)?.bench === true;
    return this.#correct(id, teamEvent(kind, side, { ...fields, bench }, this.#lengths));
  }

  /** @param {string} id @param {Side} side @param {{on: string, off: string, minute: string, nobody?: boolean}} fields @returns {Result} */
  correctSubstitution(id, side, fields) {
    return this.#correct(id, substitution(side, fields, this.#lengths));
  }

  /** @param {string} id @param {Event | {wrong: string, field?: string}} event as it should be @returns {Result} */
  #correct(id, event) {
    if ("wrong" in event) return /** @type {Result} */ (event);
    const changes = this.#changes(id, event);
    if (changes && "wrong" in changes) return { wrong: String(changes.wrong) };
    if (changes && Object.keys(changes).length === 0) return { wrong: "Nothing is changed yet." };
    if (changes)
      return this.#post({ kind: "amendment", amends: id, ...changes }, `correct/${id}`, {
        who: JSON.stringify(changes),
      });
    const board = this.expected();
    const wrong = board ? ruleAgainst(board, event) : "";
    if (wrong) return { wrong };
    // Checked before the cancellation: an echo's event would not come again.
    const what = `correct/${id}/${event.kind}/${event.team}`;
    if (this.#presses.isEcho(`${this.match}/${what}`, this.#with.ticks())) return { echo: true };
    const cancelled = this.cancel(id, CORRECTED);
    if (!("entry" in cancelled)) return cancelled;
    const needs = cancelled.entry.event.kind === "cancellation" ? cancelled.entry.id : undefined;
    return this.#post(event, what, needs ? { needs } : {});
  }

  /**
   * The changes of an amendment, null if it cannot make them: another team or kind, or an event that has not left this
   * device.
   *
   * @param {string} id
   * @param {Event} event as it should be
   * @returns {Record<string, unknown> | {wrong: string} | null}
   */
  #changes(id, event) {
    const mine = this.#with.store.read({ match: this.match ?? "", id });
    if (mine && mine.tries === 0 && mine.state !== "applied") return null;
    const now = this.#standing(id);
    if (!now || now.kind !== event.kind || now.team !== event.team) return null;
    if (Boolean(now.no_replacement) !== Boolean(event.no_replacement)) return null;
    /** @type {Record<string, unknown>} */
    const changes = {};
    for (const field of ["player", "assist", "player_on", "player_off"]) {
      const right = event[field] ?? null;
      if (right === (now[field] ?? null) || (field === "assist" && event.kind === "own_goal")) continue;
      if (right === null && field.startsWith("player_"))
        return { wrong: "A name can be corrected, not taken away. Cancel the substitution for that." };
      changes[field] = right;
    }
    const { minute, stoppage } = event;
    if (minute === now.minute && (stoppage ?? null) === (now.stoppage ?? null)) return changes;
    if (minute === undefined) return { wrong: "A minute can be corrected, not taken away. Cancel the event for that." };
    return { ...changes, minute, ...(stoppage === undefined ? {} : { stoppage }) };
  }

  /** An event as it will stand, or as it was pressed. @param {string} id @returns {Event | undefined} */
  #standing(id) {
    const mine = this.#with.store.read({ match: this.match ?? "", id });
    return /** @type {any} */ (this.expected()?.events.find((each) => each.event_id === id) ?? mine?.event);
  }

  /**
   * The last press, if it does not name its player yet, and that player's side.
   *
   * @returns {{id: string, event: Event, side: Side} | null}
   */
  nameless() {
    const last = this.#last;
    if (last?.match !== this.match || last === null || this.#with.ticks() - last.at > NAMING_MS) return null;
    const entry = this.#with.store.read(last);
    if (!entry || entry.undone || entry.state === "refused" || entry.state === "cancelled") return null;
    const event = this.#standing(last.id);
    if (!event || event.player || event.kind === "substitution" || !isCorrectable(event)) return null;
    if (isCancelled(this.#with.store.entries(last.match), last.id)) return null;
    return {
      id: last.id,
      event,
      side: event.kind === "own_goal" ? other(event.team) : event.team === "away" ? "away" : "home",
    };
  }

  /** Name the player of the last press, which named nobody. @param {string} player @returns {Result | null} null without one */
  name(player) {
    const found = this.nameless();
    if (!found) return null;
    const { kind, team, assist = "", minute, stoppage } = /** @type {any} */ (found.event);
    this.leaveNameless();
    return this.correct(found.id, kind, team, { player, assist, minute: written(minute, stoppage), sort: "goal" });
  }

  /** The next pressed name does not belong to the last press. */
  leaveNameless() {
    this.#last = null;
  }

  /** The press that can be undone now, and for how long. @returns {{entry: Entry, left: number} | null} */
  undoable() {
    const now = this.#with.ticks();
    this.#recent = this.#recent.filter((press) => now - press.at < UNDO_MS);
    for (const press of [...this.#recent].reverse()) {
      const entry = press.match === this.match ? this.#with.store.read(press) : null;
      if (!entry || entry.undone || entry.state === "refused" || entry.state === "cancelled") continue;
      if (isCancelled(this.#with.store.entries(press.match), press.id)) continue;
      return { entry, left: UNDO_MS - (now - press.at) };
    }
    return null;
  }

  /**
   * Undo the last press, if its time has not run out. Pressed twice it undoes one press, as every button does.
   *
   * @returns {Entry | null | "echo"} what was undone
   */
  undo() {
    const found = this.undoable();
    if (found === null) return null;
    if (!this.#presses.counts("undo", this.#with.ticks())) return "echo";
    const what = this.#recent.find((press) => press.id === found.entry.id)?.what;
    if (what) this.#presses.forget(what);
    this.#takeBack(found.entry);
    return found.entry;
  }

  /** @param {Entry} entry @param {string} [reason] @returns {Result} */
  #takeBack(entry, reason) {
    const { store, now, posted, subject } = this.#with;
    const changed = takeBack(store.entries(entry.match), entry.id, now(), reason, subject());
    if (changed.length === 0) return { wrong: "That cannot be taken back any more." };
    store.put(...changed);
    posted(entry.match);
    return { entry: /** @type {Entry} */ (changed.at(-1)) };
  }

  /** The lengths of the halves of the match. */
  get #lengths() {
    return /** @type {import("./event-form.js").Lengths | undefined} */ (this.board ?? undefined);
  }

  /**
   * @param {Event | {wrong: string, field?: string}} event
   * @param {string} what the press, to tell its echo
   * @param {{needs?: string, who?: string}} [more] `who`: the name that tells two presses of one button apart
   * @returns {Result}
   */
  #post(event, what, { needs, who } = {}) {
    const { store, crypto, now, ticks, posted, subject, name } = this.#with;
    if (this.match === null) return { wrong: "Choose a match first." };
    // First: an echo finds the fields of the press empty, which is no mistake of the operator's.
    if (!this.#presses.counts(`${this.match}/${what}`, ticks(), who)) return { echo: true };
    const wrong = "wrong" in event ? /** @type {{wrong: string, field?: string}} */ (event) : this.#ruledOut(event);
    if (wrong) {
      this.#presses.forget(`${this.match}/${what}`);
      return wrong;
    }
    const seen = this.#seen();
    const entry = newEntry(store.entries(this.match), {
      id: newId(crypto),
      match: this.match,
      // The newest event that the operator saw, so that another desk's goal since then is not counted twice.
      event: { .../** @type {Event} */ (event), ...this.#late(event), ...(seen ? { seen: seen.seq } : {}) },
      pressed: now(),
      by: subject(),
      name: name?.() ?? null,
      ...(needs ? { needs } : {}),
      ...(this.board ? { epoch: this.board.epoch } : {}),
    });
    store.put(entry);
    if (entry.event.kind !== "cancellation" && entry.event.kind !== "amendment") {
      this.#recent.push({ id: entry.id, match: entry.match, what: `${this.match}/${what}`, at: ticks() });
      this.#last = { id: entry.id, match: entry.match, at: ticks() };
    }
    posted(entry.match);
    return { entry };
  }

  /**
   * The mark of an event whose minute has passed: without it, every viewer's clock would go back. A press that may be sent
   * later has it too.
   *
   * @param {any} event
   * @returns {{late?: true}}
   */
  #late(event) {
    if (typeof event.minute !== "number" || event.kind === "amendment") return {};
    const board = this.expected();
    return !this.sure || (board && isBehind(board, event)) ? { late: true } : {};
  }

  /** @param {Event | {wrong: string}} event @returns {{wrong: string} | null} */
  #ruledOut(event) {
    const board = this.sure ? this.expected() : null;
    const wrong = board && "kind" in event ? ruleAgainst(board, event) : "";
    return wrong ? { wrong } : null;
  }
}

/** Why the rules do not take an event now, a sentence; empty if they do. @param {Board} board @param {Event} event */
const ruleAgainst = (board, event) =>
  event.kind === "cancellation" || event.kind === "amendment" ? "" : whyNotNow(board, event);
