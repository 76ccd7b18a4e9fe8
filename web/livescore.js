/**
 * Live scores: follows matches over a WebSocket and reads missed events over HTTP. One module without dependencies.
 * docs/client.md shows how to use it; docs/protocol.md describes the messages; livescore.d.ts describes what is exported.
 * Cells of other transports than API Gateway need transports/, which is loaded when such a cell is dialled.
 *
 * One file because other pages copy it, and because the viewers' page may have at most 60 KB: two modules would
 * add 0.8 KB, and the six parts below 3 KB.
 *
 * It behaves as the Python client does, and tests/web/scenarios.json tests both. From top to bottom: frames, the follower
 * and the repair plan (pure); the server's clock; the socket; the followed matches; Livescore, which joins them.
 *
 * @import {
 *   Board, Cell, Clock, Connection, Follow as FollowType, FollowOptions, Follower as FollowerType, Frame,
 *   HistoryPage, Livescore as LivescoreType, MatchEvent, Options, PageLike, Pair, Position, repair as Repair, Status, Terms,
 *   Timings, WebSocketLike, Whole,
 * } from "./livescore.js"
 */

// ---- frames

/** @param {unknown} value @returns {value is number} */
const isCount = (value) => Number.isSafeInteger(value) && /** @type {number} */ (value) >= 0;

/** Lists and objects have no text: they may be too deep to be written, or not want to be. @param {unknown} value */
const asText = (value) => (typeof value === "object" && value !== null ? "" : String(value));

/** @param {unknown} value @returns {value is string} */
const isText = (value) => typeof value === "string";

/** @param {unknown} value @returns {value is Pair} */
const isPair = (value) => Array.isArray(value) && value.length === 2 && isCount(value[0]) && isCount(value[1]);

/** @param {unknown} value @returns {value is Record<string, unknown>} */
const isObject = (value) => typeof value === "object" && value !== null && !Array.isArray(value);

/** Whether seqs rise, up to the last at most.
 * @param {unknown} events @param {number} last @returns {events is MatchEvent[]} */
function rise(events, last) {
  let before = 0;
  if (!Array.isArray(events)) return false;
  for (const event of events) {
    if (!isObject(event) || !isCount(event.seq) || event.seq <= before || event.seq > last) return false;
    before = event.seq;
  }
  return true;
}

/** Whether a frame is a snapshot or an update with all that a follower reads. @param {Frame} frame @returns {frame is Whole} */
function isWhole(frame) {
  const { type, prev, seq } = frame;
  if (!isCount(seq)) return false;
  if (type === "update") {
    if (!isCount(prev) || prev > seq) return false;
  } else if (type !== "snapshot" || !isText(frame.home) || !isText(frame.away)) {
    return false;
  }
  if (!isText(frame.epoch) || !frame.epoch || !isText(frame.status) || !isPair(frame.score)) return false;
  return (frame.shootout == null || isPair(frame.shootout)) && rise(frame.events, seq);
}

/** Whether a page of the history has all that a follower reads. @param {Frame} page @returns {page is HistoryPage} */
function isPage(page) {
  if (!isText(page.epoch) || !isCount(page.seq)) return false;
  return rise(page.events, page.seq) && page.events.every((event) => isPair(event.score));
}

/** The terms of a match in a snapshot; the usual ones if an older server does not send them.
 * @param {Record<string, unknown>} frame @returns {Terms} */
function readTerms(frame) {
  const { neutral, leg, first_leg, half_minutes, extra_half_minutes } = frame;
  return {
    neutral: neutral === true,
    leg: isCount(leg) ? leg : null,
    first_leg: isPair(first_leg) ? first_leg : null,
    half_minutes: isCount(half_minutes) ? half_minutes : 45,
    extra_half_minutes: isCount(extra_half_minutes) ? extra_half_minutes : 15,
  };
}

/** @param {unknown} value @returns {Clock | null} */
function readClock(value) {
  if (!isObject(value) || !isCount(value.minute) || !isCount(value.at)) return null;
  return { minute: value.minute, stoppage: isCount(value.stoppage) ? value.stoppage : null, at: value.at };
}

// ---- follower

/** Updates that wait in the buffer for a snapshot. If more come, the oldest is dropped, which is a gap again. */
const BUFFER_FRAMES = 64;

/** @implements {FollowerType} */
export class Follower {
  /** @type {Whole[]} */
  #buffer = [];
  /** The seq of the newest snapshot of this epoch that was refused: the gap stays open below it. */
  #gapEnd = 0;

  /** @param {string} match */
  constructor(match) {
    this.match = match;
    /** @type {string | null} */
    this.epoch = null;
    this.seq = 0;
    /** @type {Pair} */
    this.score = [0, 0];
    /** @type {Pair | null} */
    this.shootout = null;
    /** @type {Status} */
    this.status = "scheduled";
    this.home = "";
    this.away = "";
    this.gap = false;
    this.lost = 0;
    this.junk = 0;
    /** @type {string | null} */
    this.competition = null;
    /** @type {string | null} */
    this.kickoff = null;
    this.terms = readTerms({});
    /** @type {Clock | null} */
    this.clock = null;
    /** @type {number | null} */
    this.viewers = null;
  }

  /** @returns {Position | null} */
  since() {
    return this.epoch ? { epoch: this.epoch, seq: this.seq } : null;
  }

  /** @param {Frame} snapshot */
  reaches(snapshot) {
    const { seq, events } = /** @type {Whole} */ (snapshot);
    return events.filter((event) => event.seq > this.seq).length >= seq - this.seq;
  }

  /** @param {Frame} frame @param {{patient?: boolean}} [options] @returns {MatchEvent[]} */
  take(frame, { patient = false } = {}) {
    if (!isWhole(frame)) {
      if (frame.type === "snapshot" || frame.type === "update") this.junk += 1;
      return [];
    }
    if (frame.type === "snapshot") {
      if (patient && frame.epoch === this.epoch && !this.reaches(frame)) {
        this.gap = true;
        this.#gapEnd = Math.max(this.#gapEnd, frame.seq);
        return [];
      }
      return this.#snapshot(frame, patient);
    }
    if (this.epoch === null) {
      this.#addToBuffer(frame);
      return [];
    }
    if (frame.epoch !== this.epoch || frame.prev > this.seq) {
      // The buffer has it until the snapshot comes, which may be older than this frame.
      this.gap = true;
      this.#addToBuffer(frame);
      return [];
    }
    return this.#advance(frame);
  }

  /** @param {Frame} page */
  read(page) {
    if (!isPage(page)) {
      this.junk += 1;
      return [];
    }
    const fresh = page.events.filter((event) => event.seq > this.seq);
    const last = fresh[fresh.length - 1];
    if (page.epoch !== this.epoch || !last || fresh[0]?.seq !== this.seq + 1) return [];
    this.seq = last.seq;
    this.score = last.score;
    return fresh;
  }

  /** @param {Whole} frame */
  #addToBuffer(frame) {
    this.#buffer = [...this.#buffer.slice(1 - BUFFER_FRAMES), frame];
  }

  /** @param {Whole} frame @param {boolean} patient @returns {MatchEvent[]} */
  #snapshot(frame, patient) {
    this.home = frame.home;
    this.away = frame.away;
    this.competition = isText(frame.competition) ? frame.competition : null;
    this.kickoff = isText(frame.kickoff) ? frame.kickoff : null;
    this.terms = readTerms(frame);
    const isNewEpoch = frame.epoch !== this.epoch;
    if (isNewEpoch) {
      this.epoch = frame.epoch;
      this.seq = 0;
      this.#gapEnd = 0;
    }
    const fresh = this.#advance(frame);
    const buffer = this.#buffer;
    this.#buffer = [];
    this.gap = this.seq < this.#gapEnd;
    for (const update of buffer) {
      // After a change of epoch, updates of any other epoch are stale: drop them. Drop them too when the socket confirms
      // this epoch, because its answers are never older than the request. An answer over HTTP (patient) may be older: it
      // drops nothing. A stale update in the buffer would look like a gap for ever.
      if ((patient && !isNewEpoch) || update.epoch === this.epoch) fresh.push(...this.take(update));
    }
    return fresh;
  }

  /** @param {Whole} frame @returns {MatchEvent[]} */
  #advance(frame) {
    if (frame.seq < this.seq) return [];
    const fresh = frame.events.filter((event) => event.seq > this.seq);
    if (frame.type === "snapshot") {
      this.lost += Math.max(0, frame.seq - this.seq - fresh.length);
      if (isCount(frame.viewers)) this.viewers = frame.viewers;
    }
    if (frame.clock !== undefined) this.clock = readClock(frame.clock);
    this.seq = frame.seq;
    this.score = frame.score;
    this.status = frame.status;
    this.shootout = frame.shootout ?? null;
    return fresh;
  }
}

// ---- the repair plan

/** Seconds within which a viewer reads a gap, at a random moment: thousands of viewers may miss the same frame. */
const SPREAD = 0.5;

/** The longest pause between two tries, in seconds. */
const LONGEST = 8;

/** @type {typeof Repair} */
export const repair = Object.freeze({
  TRIES: 4,
  PAGES: 50,
  delay: (attempt, chance, spread = SPREAD) => chance * Math.min(LONGEST, spread * 4 ** (attempt - 1)),
  patience: (silence, chance) => silence * (0.75 + chance / 2),
  looking: (least, most, proven, chance) => repair.patience(Math.max(least, Math.min(most, proven)), chance),
  quiet: (least, proven, chance) => repair.patience(Math.max(least, proven * 2), chance),
  grace: (first, mutes, most = 60) => Math.min(Math.max(first, most), first * 2 ** mutes),
  backoff: (attempt, chance, base = 0.25, most = 30) => chance * Math.min(most, base * 2 ** attempt),

  snapshotPath: ({ match, seq, epoch }) =>
    `/matches/${encodeURIComponent(match)}?after=${seq}${epoch ? `&epoch=${encodeURIComponent(epoch)}` : ""}`,

  historyPath: ({ match, seq }) => `/matches/${encodeURIComponent(match)}/events?after=${seq}`,

  judge: (follower, answer) => {
    if (!isWhole(answer) || answer.epoch !== follower.epoch) return "ask";
    return follower.reaches(answer) ? "take" : "pages";
  },
});

// ---- server's clock

/** A difference of up to so many ms is no reason to doubt this device's clock. */
const CLOSE_ENOUGH = 30_000;

/** The difference between this device's clock and the server's. All times are ms. */
class ServerClock {
  /** The bounds of the difference; null while unknown. @type {number | null} */
  #least = null;
  /** @type {number | null} */
  #most = null;
  /** The difference by the last frame, which was posted a little before it came. @type {number | null} */
  #guess = null;

  /** An event that was posted at `at` has come now. @param {number} at */
  frame(at) {
    this.#guess = at - Date.now();
    this.#narrow(this.#guess, null);
  }

  /** An answer came now to a request of the time `sent`. `Age` is its time in a cache. @param {Response} answer @param {number} sent */
  answer(answer, sent) {
    const date = Date.parse(answer.headers.get("date") ?? "");
    if (Number.isNaN(date)) return;
    const age = Number(answer.headers.get("age") ?? 0);
    const cachedMs = Number.isFinite(age) && age > 0 ? age * 1000 : 0;
    // Both headers are in whole seconds. A cache that sends no Age may have had the answer for a second.
    this.#narrow(date + cachedMs - Date.now(), date + cachedMs + 2000 - sent);
  }

  now() {
    return Date.now() + this.#offset();
  }

  #offset() {
    const [least, most] = [this.#least, this.#most];
    if (most === null)
      return this.#guess !== null && Math.abs(this.#guess) > CLOSE_ENOUGH ? this.#guess : Math.max(0, least ?? 0);
    if (least === null) return Math.min(0, most);
    return least <= 0 && most >= 0 ? 0 : (least + most) / 2;
  }

  /** @param {number} least @param {number | null} most */
  #narrow(least, most) {
    // If the bounds contradict each other, a clock was corrected meanwhile. The newer bound holds.
    const moved =
      (this.#most !== null && least > this.#most) || (most !== null && this.#least !== null && most < this.#least);
    if (moved) [this.#least, this.#most] = [null, null];
    this.#least = Math.max(least, this.#least ?? least);
    if (most !== null) this.#most = Math.min(most, this.#most ?? most);
  }
}

// ---- listeners

/** An error of the caller's code is reported as if the browser had called that code. */
const run = (/** @type {() => void} */ call) => {
  try {
    call();
  } catch (error) {
    queueMicrotask(() => {
      throw error;
    });
  }
};

class Listeners {
  /** @type {Map<string, Set<(...values: any[]) => void>>} */
  #byType = new Map();

  /** @param {string} type @param {(...values: any[]) => void} listener @returns {() => void} */
  on(type, listener) {
    // A new function each time, so that removing one listener removes no other.
    const mine = (/** @type {any[]} */ ...values) => listener(...values);
    const all = this.#byType.get(type) ?? new Set();
    this.#byType.set(type, all.add(mine));
    return () => {
      all.delete(mine);
    };
  }

  /** @param {string} type @param {...any} values */
  emit(type, ...values) {
    for (const listener of [...(this.#byType.get(type) ?? [])]) run(() => listener(...values));
  }
}

export const BACKLOG = 1000;

/** Events for one `for await`. @implements {AsyncIterableIterator<MatchEvent>} */
class EventQueue {
  /** @type {MatchEvent[]} */
  #waiting = [];
  /** @type {{resolve: (result: IteratorResult<MatchEvent>) => void, reject: (error: Error) => void}[]} */
  #readers = [];
  #ended = false;
  /** @type {Error | null} */
  #failed = null;
  #leave;

  /** @param {(events: EventQueue) => void} leave */
  constructor(leave) {
    this.#leave = leave;
  }

  /** @param {MatchEvent} event */
  push(event) {
    const reader = this.#readers.shift();
    if (reader) {
      reader.resolve({ value: event, done: false });
    } else if (this.#waiting.length < BACKLOG) {
      this.#waiting.push(event);
    } else {
      // No event is left out silently: the waiting events still come, then the error.
      this.#failed = new Error(`This reader is more than ${BACKLOG} events behind. Read follow.board and begin again.`);
      this.end();
    }
  }

  end() {
    this.#ended = true;
    this.#leave(this);
    for (const reader of this.#readers.splice(0)) reader.resolve({ value: undefined, done: true });
  }

  /** @returns {Promise<IteratorResult<MatchEvent>>} */
  next() {
    const value = this.#waiting.shift();
    if (value) return Promise.resolve({ value, done: false });
    const error = this.#failed;
    this.#failed = null;
    if (error) return Promise.reject(error);
    if (this.#ended) return Promise.resolve({ value: undefined, done: true });
    return new Promise((resolve, reject) => {
      this.#readers.push({ resolve, reject });
    });
  }

  /** @returns {Promise<IteratorResult<MatchEvent>>} */
  return() {
    this.#waiting = [];
    this.end();
    return Promise.resolve({ value: undefined, done: true });
  }

  [Symbol.asyncIterator]() {
    return this;
  }
}

// ---- timers

/** Seconds of a clock that only goes forward. */
const seconds = () => performance.now() / 1000;

/** @param {number} wait in seconds @param {() => void} call @returns {() => void} stops it */
const after = (wait, call) => {
  const timer = setTimeout(call, wait * 1000);
  return () => clearTimeout(timer);
};

/** Timers by name, one for each name. */
class Timers {
  /** @type {Map<string, () => void>} */
  #running = new Map();
  #sleeps = 0;
  #ended = false;

  /** @param {string} name @param {number} wait in seconds @param {() => void} call */
  start(name, wait, call) {
    this.stop(name);
    if (this.#ended) return;
    const stop = after(wait, () => {
      this.#running.delete(name);
      call();
    });
    this.#running.set(name, stop);
  }

  /** @param {string} name */
  stop(name) {
    this.#running.get(name)?.();
    this.#running.delete(name);
  }

  /** @param {string} name */
  has(name) {
    return this.#running.has(name);
  }

  /** Never resolves if it is stopped. @param {number} wait in seconds @returns {Promise<void>} */
  sleep(wait) {
    return new Promise((resolve) => {
      this.start(`sleep ${++this.#sleeps}`, wait, resolve);
    });
  }

  clear() {
    for (const name of [...this.#running.keys()]) this.stop(name);
  }

  /** Start no timer any more: a read that is given up would begin the pause before the next one. */
  end() {
    this.#ended = true;
    this.clear();
  }
}

// ---- connection

const DEAD = "The connection was dead.";
const LOST = "The connection was lost.";
const SILENT = "The connection opened, and nothing came through it.";
const OFFLINE = "This device is offline.";
const NOT_OPENED = "The connection could not be opened.";

/** One WebSocket, from the try to open it until its end. It reports its end once, and nothing after that. */
class ViewerSocket {
  /** @type {WebSocketLike | null} */
  #socket;
  #lost;
  open = false;
  /** When the last message came, and when the last message came or went. */
  lastMessageAt = seconds();
  lastUseAt = seconds();
  /** The longest silence that a message has ended. */
  longestMessageSilence = 0;

  /**
   * @param {WebSocketLike} socket
   * @param {{opened: () => void, text: (text: unknown) => void, lost: (reason: string | null) => void}} to
   */
  constructor(socket, to) {
    this.#socket = socket;
    this.#lost = to.lost;
    socket.onopen = () => {
      this.open = true;
      this.lastMessageAt = this.lastUseAt = seconds();
      to.opened();
    };
    socket.onmessage = ({ data }) => {
      const now = seconds();
      this.longestMessageSilence = Math.max(this.longestMessageSilence, now - this.lastMessageAt);
      this.lastMessageAt = this.lastUseAt = now;
      to.text(data);
    };
    socket.onclose = (event) => this.drop(this.open && !event?.refused ? LOST : NOT_OPENED);
    // The event is dropped: some WebSockets put the address into it, with the token.
    socket.onerror = () => {};
  }

  /** Ask for a sign of life; returns false if only a message of ours can do that. */
  probe() {
    this.lastUseAt = seconds();
    this.#socket?.probe?.();
    return Boolean(this.#socket?.probe);
  }

  /** @param {string} text */
  send(text) {
    if (!this.#socket || !this.open) return;
    this.lastUseAt = seconds();
    try {
      this.#socket.send(text);
    } catch {
      this.drop();
    }
  }

  /** Close without waiting for the other side. @param {string | null} [reason] null: as planned */
  drop(reason = LOST) {
    const socket = this.#socket;
    if (!socket) return;
    this.#socket = null;
    this.open = false;
    socket.onopen = socket.onmessage = socket.onclose = null;
    try {
      // The WebSocket of ws would wait 30 s for a close frame that cannot come.
      if (reason === DEAD || reason === SILENT) socket.terminate?.();
      socket.close(1000);
    } catch {
      // It was not open.
    }
    this.#lost(reason);
  }
}

// ---- followed matches

/** One followed match: its state, its board, and its requests on this connection. */
class FollowedMatch {
  listeners = new Listeners();
  /** @type {Set<EventQueue>} */
  iterators = new Set();
  /** @type {Board | null} */
  board = null;
  closed = false;
  /** When its last frame came. */
  lastFrameAt = Number.NEGATIVE_INFINITY;
  /** Its subscribe has been answered on this connection. */
  answered = false;
  /** Syncs without an answer yet. An answer over the socket is never older than its request. */
  pendingSyncs = 0;
  /** Snapshots that are still to come for another `only`. */
  owed = 0;
  /** A subscribe of it has been sent on this connection. */
  sent = false;
  /** @type {string | null} */
  problem = null;
  repairing = false;
  /** Number of events before the first snapshot that were read. */
  #earlier = 0;
  /** @type {MatchEvent[]} */
  #events = [];
  /** The epoch of the events. @type {string | null} */
  #epoch = null;
  #gap = false;
  #boardText = "";

  /** @param {string} match @param {FollowOptions} options */
  constructor(match, { only = null, history = false }) {
    this.match = match;
    this.only = only;
    this.history = history;
    this.follower = new Follower(match);
  }

  /** Begin at an earlier board or position. @param {unknown} from */
  resume(from) {
    if (!isObject(from) || !isText(from.epoch) || !from.epoch || !isCount(from.seq)) return;
    const whole = isWhole({ ...from, type: "snapshot" });
    if (whole && (from.match !== this.match || from.only !== this.only)) return;
    if (!whole) {
      // The state of the match at that position is not known.
      Object.assign(this.follower, { epoch: from.epoch, seq: from.seq, status: "" });
      return;
    }
    this.follower.take({ ...from, type: "snapshot" });
    this.follower.lost = isCount(from.lost) ? from.lost : 0;
    this.#epoch = from.epoch;
    this.#events = [.../** @type {MatchEvent[]} */ (from.events)];
    this.#updateBoard();
  }

  /** Update the board, then emit each event, then the change. Events up to the seq `late` are not live.
   * @param {MatchEvent[]} fresh @param {number} late */
  show(fresh, late) {
    const { follower } = this;
    if (!follower.epoch) return;
    if (this.#epoch !== follower.epoch) [this.#epoch, this.#events] = [follower.epoch, []];
    if (fresh.length) this.#events = withMarks([...this.#events, ...fresh], fresh);
    const changed = this.#updateBoard();
    for (const event of fresh) {
      const live = event.seq > late;
      for (const each of this.iterators) each.push(event);
      this.listeners.emit("event", event, { live });
      if (this.closed) return;
    }
    if (changed) this.listeners.emit("change", this.board);
    if (this.#gap !== follower.gap) {
      this.#gap = follower.gap;
      this.listeners.emit("gap", this.#gap);
    }
  }

  /** The seq of the first known event; after the position if none is known. */
  get first() {
    return this.#events[0]?.seq ?? this.follower.seq + 1;
  }

  /** Add events before the first known one. @param {MatchEvent[]} earlier */
  prependHistory(earlier) {
    this.#events = withMarks([...earlier, ...this.#events], this.#events);
    this.#earlier += earlier.length;
    this.#updateBoard();
    this.listeners.emit("change", this.board);
  }

  end() {
    this.closed = true;
    for (const each of [...this.iterators]) each.end();
  }

  #updateBoard() {
    const { match, only, follower } = this;
    if (!follower.home || !follower.status) return false;
    const { epoch, seq, status, home, away, competition, kickoff, terms } = follower;
    const { score, shootout, clock, viewers, gap } = follower;
    const lost = Math.max(0, follower.lost - this.#earlier);
    const about = { home, away, competition, kickoff, ...terms };
    const known = { match, epoch, seq, status, ...about, score, shootout, clock, viewers };
    const text = JSON.stringify([known, gap, lost, this.#earlier]);
    const changed = text !== this.#boardText;
    this.#boardText = text;
    if (changed) this.board = Object.freeze(/** @type {Board} */ ({ ...known, events: this.#events, gap, lost, only }));
    return changed;
  }
}

/** The fields that an amendment may correct.
 * @type {("player" | "assist" | "player_on" | "player_off" | "minute" | "stoppage")[]} */
const AMENDABLE = ["player", "assist", "player_on", "player_off", "minute", "stoppage"];

/** The events, with the marks and corrections of new cancellations and amendments.
 * @param {MatchEvent[]} events @param {MatchEvent[]} fresh */
function withMarks(events, fresh) {
  for (const change of fresh) {
    const { cancels = change.amends, cancels_seq = change.amends_seq, seq } = change;
    if (cancels === undefined && cancels_seq === undefined) continue;
    const at = events.findIndex((each) =>
      isCount(cancels_seq) ? each.seq === cancels_seq : each.event_id === cancels,
    );
    const event = events[at];
    if (!event) continue;
    if (change.kind !== "amendment") events[at] = { ...event, cancelled_by: event.cancelled_by ?? seq };
    // An event that was read later may have a newer amendment already.
    else if ((event.amended_by ?? 0) < seq) events[at] = amended(event, change);
  }
  return events;
}

/** An event with an amendment's corrections: null removes a name, and a minute replaces the stoppage time too.
 * @param {MatchEvent} event @param {MatchEvent} amendment @returns {MatchEvent} */
function amended(event, amendment) {
  const right = { ...event, amended_by: amendment.seq };
  if (amendment.minute !== undefined) delete right.stoppage;
  for (const field of AMENDABLE) {
    const value = amendment[field];
    if (value === null) delete right[field];
    else if (value !== undefined) Object.assign(right, { [field]: value });
  }
  return right;
}

/** A page's view of a FollowedMatch. @implements {FollowType} */
class Follow {
  #followed;
  #close;

  /** @param {FollowedMatch} followed @param {() => void} close */
  constructor(followed, close) {
    this.#followed = followed;
    this.#close = close;
  }

  get match() {
    return this.#followed.match;
  }

  get only() {
    return this.#followed.only;
  }

  get board() {
    return this.#followed.board;
  }

  get closed() {
    return this.#followed.closed;
  }

  /** @param {string} type @param {(...values: any[]) => void} listener */
  on(type, listener) {
    return this.#followed.listeners.on(type, listener);
  }

  close() {
    this.#close();
  }

  [Symbol.asyncIterator]() {
    const { iterators, closed } = this.#followed;
    const events = new EventQueue((mine) => iterators.delete(mine));
    if (closed) events.end();
    else iterators.add(events);
    return events;
  }
}

// ---- over HTTP

/** The API gave no answer that can be used. `status` is that of the answer, 0 if there was none. */
class ReadError extends Error {
  /** @param {string} message @param {number} [status] */
  constructor(message, status = 0) {
    super(message);
    this.status = status;
  }
}

/** The readers' API. */
class HttpReader {
  #base;
  #fetch;
  #patience;
  #clock;
  #onAnswer;
  /** @type {Set<AbortController>} */
  #reading = new Set();
  /** By path. @type {Map<string, Promise<Frame>>} */
  #running = new Map();
  /** Requests that were given up. @type {WeakSet<AbortController>} */
  #abandoned = new WeakSet();
  #ended = false;

  /** `patience` in seconds; `onAnswer` is called after each request: whether a server answers.
   * @param {string} base @param {typeof globalThis.fetch} fetch @param {number} patience @param {ServerClock} clock
   * @param {(answers: boolean) => void} onAnswer */
  constructor(base, fetch, patience, clock, onAnswer) {
    this.#base = base.replace(/\/+$/, "");
    this.#fetch = fetch;
    this.#patience = patience;
    this.#clock = clock;
    this.#onAnswer = onAnswer;
  }

  /** The JSON object at a path of the API. Equal requests at one time are one. Rejects with a ReadError.
   * @param {string} path @param {Record<string, string>} [headers] @returns {Promise<Frame>} */
  get(path, headers) {
    const running = this.#running.get(path);
    if (running) return running;
    if (this.#ended) return Promise.reject(new ReadError("closed"));
    const answer = this.#read(path, headers).finally(() => this.#running.delete(path));
    this.#running.set(path, answer);
    return answer;
  }

  /** @param {string} path @param {Record<string, string>} [headers] @returns {Promise<Frame>} */
  async #read(path, headers) {
    const controller = new AbortController();
    this.#reading.add(controller);
    const stop = after(this.#patience, () => controller.abort());
    const sent = Date.now();
    try {
      const answer = await this.#fetch(this.#base + path, {
        signal: controller.signal,
        credentials: "omit",
        headers: { accept: "application/json", ...headers },
      });
      this.#clock.answer(answer, sent);
      this.#onAnswer(answer.status < 500);
      if (!answer.ok) throw new ReadError(`status ${answer.status}`, answer.status);
      const body = await answer.json();
      if (!isObject(body)) throw new ReadError("no JSON object");
      return body;
    } catch (error) {
      if (error instanceof ReadError) throw error;
      if (!this.#abandoned.has(controller)) this.#onAnswer(false);
      throw new ReadError("no answer");
    } finally {
      stop();
      this.#reading.delete(controller);
      this.#abandoned.delete(controller);
    }
  }

  /** Give up all requests. */
  abort() {
    for (const each of this.#reading) {
      this.#abandoned.add(each);
      each.abort();
    }
  }

  /** Give up all requests, and make no other: a transport that has been loaded meanwhile would begin with one. */
  end() {
    this.#ended = true;
    this.abort();
  }
}

/** Reads missed events over HTTP by the plan `repair`, at most one repair at a time for each match. */
class Repairer {
  #reader;
  #timers;
  #random;
  #spread;
  #to;

  /**
   * @param {HttpReader} api
   * @param {Timers} timers
   * @param {() => number} random
   * @param {number} spread in seconds
   * @param {{show: (followed: FollowedMatch, snapshot: Frame) => void, ask: (followed: FollowedMatch) => void, httpIsAhead: (followed: FollowedMatch, since: number) => void}} to
   *   `show` takes a snapshot. `ask` asks over the socket if HTTP has not helped. `httpIsAhead` is called if a read that
   *   began at `since` brought events that the socket had not brought.
   */
  constructor(api, timers, random, spread, to) {
    this.#reader = api;
    this.#timers = timers;
    this.#random = random;
    this.#spread = spread;
    this.#to = to;
  }

  /** Read what a match has after the follower's position, unless its repair is running. @param {FollowedMatch} followed */
  async begin(followed) {
    if (followed.repairing) return;
    followed.repairing = true;
    try {
      if (!(await this.#try(followed))) this.#to.ask(followed);
    } finally {
      followed.repairing = false;
    }
  }

  /** @param {FollowedMatch} followed @returns {Promise<boolean>} false if only the socket can help */
  async #try(followed) {
    const { follower } = followed;
    const hadGap = follower.gap;
    const begun = seconds();
    for (let attempt = 1; attempt <= repair.TRIES; attempt++) {
      await this.#timers.sleep(repair.delay(attempt, this.#random(), this.#spread));
      // The match is not followed any more, or the socket was faster.
      if (followed.closed || (hadGap && !follower.gap)) return true;
      try {
        const { seq } = follower;
        const step = await this.read(followed);
        if (followed.closed) return true;
        if (step === "ask") return false;
        if (step !== "take" || follower.gap) continue;
        if (!hadGap && follower.seq > seq) this.#to.httpIsAhead(followed, begun);
        return true;
      } catch (error) {
        if (!(error instanceof ReadError)) throw error;
      }
    }
    return false;
  }

  /** One try; returns the step that the answer led to. @param {FollowedMatch} followed */
  async read(followed) {
    const { follower } = followed;
    let snapshot = await this.snapshot(followed);
    let step = repair.judge(follower, snapshot);
    if (step === "pages" && !followed.closed) {
      follower.gap = true;
      await this.#pages(followed);
      snapshot = await this.snapshot(followed);
      step = repair.judge(follower, snapshot);
    }
    // Patient: the answer may be older than the match's new epoch, so the follower keeps that epoch's frames.
    if (step === "take" && !followed.closed) this.#to.show(followed, snapshot);
    return step;
  }

  /** @param {FollowedMatch} followed @returns {Promise<Frame>} */
  async snapshot({ match, follower }) {
    const answer = await this.#reader.get(repair.snapshotPath(follower));
    if (answer.type !== "snapshot" || answer.match !== match) throw new ReadError("no snapshot of this match");
    return answer;
  }

  /** Read pages of the history until it ends, or until a page brings no new event. @param {FollowedMatch} followed */
  async #pages(followed) {
    const { follower, match } = followed;
    for (let number = 0; number < repair.PAGES && !followed.closed; number++) {
      const page = await this.#reader.get(repair.historyPath(follower));
      if (page.match !== match || page.events === undefined) throw new ReadError("no history of this match");
      const events = followed.closed ? [] : follower.read(page);
      if (!events.length) return;
      followed.show(events, follower.seq);
      if (follower.seq >= /** @type {number} */ (page.seq)) return;
    }
  }

  /** Read the events before the first known one, for followers that want them. @param {FollowedMatch} followed */
  async prependHistory(followed) {
    if (!followed.history || !followed.board) return;
    const { epoch } = followed.follower;
    const last = followed.first;
    const behind = new Follower(followed.match);
    behind.epoch = epoch;
    /** @type {MatchEvent[]} */
    const earlier = [];
    for (
      let attempt = 1, number = 0;
      behind.seq < last - 1 && attempt <= repair.TRIES && number < repair.PAGES;
      number++
    ) {
      try {
        const events = behind.read(await this.#reader.get(repair.historyPath(behind)));
        if (!events.length) break;
        earlier.push(...events.filter((event) => event.seq < last));
      } catch (error) {
        if (!(error instanceof ReadError)) throw error;
        attempt += 1;
        await this.#timers.sleep(repair.delay(attempt, this.#random(), this.#spread));
      }
      if (followed.closed || followed.follower.epoch !== epoch) return;
    }
    if (earlier.length && behind.seq >= last - 1) followed.prependHistory(earlier);
  }
}

// ---- livescore

/** The most bytes of a message of ours; the server closes the connection after a longer one. */
const MESSAGE_BYTES = 4096;

/** Characters of a token in an address (docs/security.md). */
const QUERY_TOKEN = 3072;
const TOO_LONG = "The token is too long for an address: 3,072 characters at most.";

/** After so many failed tries in a row, while HTTP answers, the network is not the cause. */
const REFUSALS = 3;

/** After so many connections in a row that died early, the next one must last longer to count as open. */
const DEATHS = 2;

/** @type {Omit<Timings, "lookSeconds" | "freshSeconds" | "beginSeconds" | "helloSeconds">} */
const TIMINGS = {
  careSeconds: 5,
  askSeconds: 60,
  silenceSeconds: 30,
  silenceMostSeconds: 150,
  quietSeconds: 36,
  idleSeconds: 480,
  pongSeconds: 10,
  firstSeconds: 20,
  ageSeconds: [6300, 6900],
  spreadSeconds: SPREAD,
  openSeconds: 30,
  fetchSeconds: 5,
  retrySeconds: 0.25,
  retryMostSeconds: 30,
  lingerSeconds: 10,
};

/** The transport that carries our own protocol. */
const API_GATEWAY = "api-gateway";

/** @param {Options} options @returns {Cell[]} */
function cellsOf({ websockets = [], cells = [], api }) {
  const urls = typeof websockets === "string" ? [websockets] : websockets;
  if (!urls.every((url) => /^wss?:\/\/[^/]/i.test(url)))
    throw new TypeError("websockets is an address that begins with wss://, or a list of such.");
  const all = [...urls.map((url) => ({ transport: API_GATEWAY, url })), ...cells];
  if (!all.length) throw new TypeError("websockets names no address.");
  if (api === undefined && !globalThis.location && cells.some(({ transport }) => transport !== API_GATEWAY))
    throw new TypeError("api is missing: only cells of API Gateway work without it.");
  for (const { url } of all) new URL(url);
  return all;
}

/** @implements {LivescoreType} */
export class Livescore {
  #cells;
  #cell;
  #reader;
  #repairer;
  #token;
  #tokenIn;
  #timings;
  #random;
  #WebSocket;
  #fetch;
  /** Memory of a transport, kept from one connection to the next. */
  #memory = {};
  #page;
  #clock = new ServerClock();
  #listeners = new Listeners();
  /** @type {Map<string, FollowedMatch>} */
  #matches = new Map();
  /** @type {WeakMap<FollowedMatch, Follow>} */
  #follows = new WeakMap();
  /** Matches whose unsubscribe has not been answered on this connection. @type {Set<string>} */
  #leaving = new Set();
  /** @type {Connection} */
  #connection = Object.freeze({ state: "closed", attempt: 0, retryAt: null, reason: null });
  /** @type {ViewerSocket | null} */
  #socket = null;
  /** The number of the present try to connect. An earlier try that waits for a token sees that it is over. */
  #try = 0;
  #attempt = 0;
  /** Tries in a row that did not open, or that the service refused. */
  #failures = 0;
  /** Connections in a row that opened and brought no message. */
  #silentConnections = 0;
  /** Connections in a row that brought messages in their first moments only, and then died. */
  #deaths = 0;
  /** This try has opened a connection to the server, or to a proxy. */
  #isOpen = false;
  /** A message has come on this connection. */
  #hasMessage = false;
  #openedAt = 0;
  /** The latest time for the first message; and when matches without a snapshot are read over HTTP. */
  #firstMessageBy = 0;
  #readUnknownAt = 0;
  /** Whether HTTP has answered since; null if unknown. @type {boolean | null} */
  #answered = null;
  /** Whether the last try had a token. */
  #bears = false;
  #closed = false;
  #leaveAt = 0;
  #subscribePause = 0;
  #subscribeAgainAt = 0;
  #silenceChance;
  #idle;
  /** In [0, 1): how much earlier or later the next question to a quiet connection is. */
  #quietChance = 0;
  /** @type {number | null} */
  #pingedAt = null;
  #isReading = false;
  /** Whether messages are wanted, and whether `listen` has no answer yet on this connection. */
  #wantsMessages;
  #listenDue = false;
  #timers = new Timers();
  /** @type {(() => void)[]} */
  #unlisten = [];

  /** @param {Options} options */
  constructor(options) {
    this.#cells = cellsOf(options);
    this.#token = options.token ?? (() => null);
    this.#tokenIn = options.tokenIn;
    this.#wantsMessages = !!options.onMessage;
    if (options.onMessage) this.#listeners.on("message", options.onMessage);
    this.#timings = { ...TIMINGS, ...options.timings };
    this.#random = options.random ?? Math.random;
    const Socket = options.WebSocket ?? /** @type {Options["WebSocket"]} */ (globalThis.WebSocket);
    if (!Socket) throw new TypeError("There is no WebSocket here: give one, such as that of the package ws.");
    this.#WebSocket = Socket;
    this.#fetch = options.fetch ?? globalThis.fetch.bind(globalThis);
    this.#reader = new HttpReader(options.api ?? "", this.#fetch, this.#timings.fetchSeconds, this.#clock, (answers) =>
      this.#answers(answers),
    );
    this.#repairer = new Repairer(this.#reader, this.#timers, this.#random, this.#timings.spreadSeconds, {
      show: (followed, snapshot) => this.#follow(followed, snapshot, true),
      ask: (followed) => this.#sync(followed),
      httpIsAhead: (followed, since) => {
        // If the socket has brought nothing, it may only look open.
        if (!this.#socket || this.#socket.lastMessageAt >= since || this.#pingedAt !== null) return;
        this.#ping([followed], true);
        this.#careLater();
      },
    });
    const here = /** @type {PageLike | null} */ (/** @type {unknown} */ (globalThis));
    this.#page =
      options.page === undefined ? (typeof here?.addEventListener === "function" ? here : null) : options.page;
    this.#cell = Math.floor(this.#random() * this.#cells.length);
    this.#silenceChance = this.#random();
    this.#idle = this.#timings.idleSeconds;
    this.#listen();
  }

  get connection() {
    return this.#connection;
  }

  /** @param {string} type @param {(...values: any[]) => void} listener */
  on(type, listener) {
    return this.#listeners.on(type, listener);
  }

  now() {
    return this.#clock.now();
  }

  /** @param {Response} answer @param {number} sentAt */
  observe(answer, sentAt) {
    this.#clock.answer(answer, sentAt);
  }

  /** @param {string} match @param {FollowOptions} [options] @param {Board | Position | null} [resume] */
  follow(match, options = {}, resume = null) {
    if (!isText(match) || !match) throw new TypeError("A match is named by its id.");
    if (this.#closed) throw new Error("This Livescore has been closed.");
    const before = this.#matches.get(match);
    const known = before && before.only === (options.only ?? null) ? this.#follows.get(before) : undefined;
    if (before && known) {
      if (options.history && !before.history) {
        before.history = true;
        void this.#repairer.prependHistory(before);
      }
      return known;
    }
    const followed = new FollowedMatch(match, options);
    followed.resume(resume);
    void this.#repairer.prependHistory(followed);
    if (![...this.#matches.values()].some((each) => !each.answered)) this.#subscribeLater(this.#timings.careSeconds);
    if (before) {
      before.end();
      if (before.sent) followed.owed = (before.answered ? 0 : 1) + before.owed + before.pendingSyncs;
    }
    const follow = new Follow(followed, () => this.#leave(followed));
    this.#matches.set(match, followed);
    this.#follows.set(followed, follow);
    this.#timers.stop("linger");
    if (this.#socket?.open) this.#subscribe(followed);
    else if (this.#connection.state === "closed") void this.#connect();
    return follow;
  }

  close() {
    this.#closed = true;
    for (const followed of this.#matches.values()) followed.end();
    this.#matches.clear();
    for (const unlisten of this.#unlisten.splice(0)) unlisten();
    this.#timers.end();
    this.#reader.end();
    this.#hangUp();
  }

  // ---- the connection

  /** @param {Connection["state"]} state @param {{retryAt?: number | null, reason?: string | null}} [more] */
  #state(state, { retryAt = null, reason = null } = {}) {
    this.#connection = Object.freeze({ state, attempt: state === "open" ? 0 : this.#attempt, retryAt, reason });
    this.#listeners.emit("connection", this.#connection);
  }

  async #connect() {
    const number = ++this.#try;
    this.#timers.stop("retry");
    const state = this.#doubted ? "silent" : "connecting";
    this.#state(this.#offline ? "offline" : state, { reason: this.#connection.reason });
    if (number !== this.#try) return;
    this.#timers.start("open", this.#timings.openSeconds, () =>
      this.#lost(number, "The server did not answer in time."),
    );
    /** @type {string | null} */
    let token;
    try {
      token = await this.#token();
    } catch {
      // The error may contain the token.
      this.#lost(number, "No token could be had.", false);
      return;
    }
    if (number !== this.#try) return;
    this.#bears = Boolean(token);
    if (token && this.#place === "query" && encodeURIComponent(token).length > QUERY_TOKEN) {
      this.#listeners.emit("error", { code: "token_too_long", message: TOO_LONG });
      this.#lost(number, TOO_LONG, false);
      return;
    }
    try {
      const socket = await this.#dial(token, () => number === this.#try);
      if (number !== this.#try) {
        // The WebSocket of ws reports as an error that it was not open yet.
        socket.onerror = () => {};
        return socket.close();
      }
      this.#socket = new ViewerSocket(socket, {
        opened: () => this.#opened(),
        text: (text) => this.#receive(text),
        lost: (reason) => this.#lost(number, reason),
      });
    } catch {
      this.#lost(number, NOT_OPENED);
    }
  }

  get #address() {
    return /** @type {Cell} */ (this.#cells[this.#cell]);
  }

  get #place() {
    const { transport, url } = this.#address;
    return this.#tokenIn ?? (transport === API_GATEWAY && /^ws:/i.test(url) ? "query" : "subprotocol");
  }

  /** @param {string | null} token @param {() => boolean} isWanted @returns {Promise<WebSocketLike>} */
  async #dial(token, isWanted) {
    const cell = this.#address;
    if (cell.transport !== API_GATEWAY) {
      const { dial } = await import("./transports/dial.js");
      const viewer = {
        token,
        renew: this.#token,
        WebSocket: this.#WebSocket,
        fetch: this.#fetch,
        read: (/** @type {string} */ path, /** @type {Record<string, string> | undefined} */ headers) =>
          this.#reader.get(path, headers),
        now: () => this.now(),
        random: this.#random,
        memory: this.#memory,
        timings: this.#timings,
      };
      return dial(cell, viewer, isWanted);
    }
    const url = new URL(cell.url);
    url.searchParams.set("v", "1");
    if (token) {
      if (this.#place === "subprotocol") return new this.#WebSocket(url.href, ["livescore.v1", token]);
      url.searchParams.set("token", token);
    }
    return new this.#WebSocket(url.href);
  }

  #opened() {
    this.#timers.stop("open");
    this.#isOpen = true;
    this.#hasMessage = false;
    this.#answered = null;
    this.#pingedAt = null;
    const wait = repair.grace(this.#timings.firstSeconds, this.#silentConnections);
    this.#openedAt = seconds();
    this.#firstMessageBy = this.#openedAt + wait;
    this.#readUnknownAt = this.#openedAt + repair.patience(this.#timings.firstSeconds / 4, this.#random());
    this.#quietChance = this.#random();
    this.#idle = this.#timings.idleSeconds * (0.75 + this.#random() / 4);
    const [least, most] = this.#timings.ageSeconds;
    this.#leaveAt = seconds() + least + this.#random() * (most - least);
    this.#subscribePause = this.#timings.careSeconds;
    this.#leaving.clear();
    this.#listenDue = this.#wantsMessages;
    for (const followed of this.#matches.values()) {
      followed.answered = followed.sent = false;
      followed.pendingSyncs = followed.owed = 0;
    }
    this.#subscribeUnanswered();
    this.#careLater();
  }

  /** A message has come. @param {boolean} frame a frame of the protocol, not API Gateway's own message */
  #proved(frame) {
    this.#hasMessage = true;
    this.#silentConnections = this.#failures = 0;
    if (seconds() - this.#openedAt >= this.#timings.firstSeconds / 4) this.#deaths = 0;
    if (!this.#socket || !frame || this.#doubted || this.#connection.state === "open") return;
    this.#state("open");
  }

  /** Whether connections open here and carry nothing, so that the first frame of the next one proves little. */
  get #doubted() {
    return this.#silentConnections > 0 || this.#deaths >= DEATHS;
  }

  /** A try has failed, or a connection has ended. `dialled`: whether the server could answer.
   * @param {number} number @param {string | null} reason @param {boolean} [dialled] */
  #lost(number, reason, dialled = true) {
    if (number !== this.#try) return;
    this.#try += 1;
    const socket = this.#socket;
    this.#socket = null;
    socket?.drop();
    this.#timers.stop("open");
    this.#timers.stop("care");
    if (this.#closed || !this.#matches.size) {
      this.#state("closed");
      return;
    }
    const refused = dialled && (!this.#isOpen || reason === NOT_OPENED);
    this.#isOpen = false;
    if (refused) this.#failures += 1;
    if (reason === SILENT) this.#silentConnections += 1;
    if (reason === DEAD) this.#deaths += 1;
    if (refused || reason === SILENT || (reason === DEAD && this.#deaths >= DEATHS))
      this.#cell = (this.#cell + 1) % this.#cells.length;
    this.#attempt += 1;
    const { retrySeconds, retryMostSeconds } = this.#timings;
    this.#retry(repair.backoff(this.#attempt, this.#random(), retrySeconds, retryMostSeconds), reason);
    if (this.#failures >= REFUSALS || this.#doubted) void this.#readOverHttp();
  }

  /** @param {number} wait @param {string | null} reason */
  #retry(wait, reason) {
    this.#timers.start("retry", wait, () => void this.#connect());
    const retryAt = Date.now() + wait * 1000;
    if (this.#offline) this.#state("offline", { retryAt, reason: OFFLINE });
    else if (this.#answered && this.#failures >= REFUSALS) this.#state("refused", { retryAt, reason: this.#refusal });
    else if (this.#doubted) this.#state("silent", { retryAt, reason });
    else this.#state("waiting", { retryAt, reason });
  }

  /** End the connection, timers and requests. */
  #hangUp() {
    this.#timers.clear();
    this.#reader.abort();
    this.#try += 1;
    const socket = this.#socket;
    this.#socket = null;
    socket?.drop(this.#hasMessage && this.#pingedAt === null ? LOST : DEAD);
    this.#isOpen = false;
    this.#attempt = this.#failures = this.#silentConnections = this.#deaths = 0;
    if (this.#connection.state !== "closed") this.#state("closed");
  }

  // ---- what comes and what goes

  /** @param {unknown} text */
  #receive(text) {
    /** @type {unknown} */
    let frame = null;
    try {
      frame = isText(text) ? JSON.parse(text) : null;
    } catch {
      // Not ours.
    }
    if (!isObject(frame)) return;
    this.#proved(frame.type !== undefined);
    if (frame.type === "error") {
      this.#refused(frame);
      return;
    }
    if (frame.type === undefined && isText(frame.message)) {
      // API Gateway's own message. An overdue request is sent again.
      this.#listeners.emit("error", { code: "gateway", message: "The server is busy. It is asked again." });
      return;
    }
    if (frame.type === "listening") {
      this.#listenDue = false;
      return;
    }
    if (frame.type === "message") {
      if (isText(frame.key)) this.#listeners.emit("message", frame.key, frame.body);
      return;
    }
    const match = asText(frame.match);
    if (frame.type === "unsubscribed") {
      this.#leaving.delete(match);
      const again = this.#matches.get(match);
      if (again && !again.sent) this.#subscribe(again);
      return;
    }
    const followed = this.#matches.get(match);
    if (!followed || frame.type === undefined) return;
    this.#attempt = 0;
    followed.lastFrameAt = seconds();
    followed.problem = null;
    if (isCount(frame.at) && frame.type === "update") this.#clock.frame(frame.at);
    if (frame.type === "snapshot" && followed.owed > 0) {
      // The answer to an earlier request. Only after it is the new request's answer certain to be the next.
      followed.owed -= 1;
      if (!followed.owed && !followed.sent) this.#subscribe(followed);
      return;
    }
    if (frame.type === "update" && followed.only === null && isThin(frame)) {
      // It was sent before `only` changed, and would skip events that it does not have.
      if (/** @type {number} */ (frame.seq) > followed.follower.seq) this.#repairer.begin(followed);
      return;
    }
    const patient = !followed.pendingSyncs;
    if (frame.type === "snapshot") {
      // It may answer the sync or the subscribe. Counting it as the sync's answer costs at worst one more subscribe.
      if (followed.pendingSyncs) followed.pendingSyncs -= 1;
      else followed.answered = true;
    }
    this.#follow(followed, frame, patient);
  }

  /** Take a frame and show its events. @param {FollowedMatch} followed @param {Frame} frame @param {boolean} patient */
  #follow(followed, frame, patient) {
    const { follower } = followed;
    const [epoch, gap, junk] = [followed.board?.epoch, follower.gap, follower.junk];
    const fresh = follower.take(frame, { patient });
    if (follower.junk > junk) return;
    followed.show(fresh, frame.type === "snapshot" ? /** @type {number} */ (frame.seq) : 0);
    if (followed.closed) return;
    if (follower.gap && !gap) this.#repairer.begin(followed);
    if (followed.board?.epoch !== epoch) void this.#repairer.prependHistory(followed);
  }

  /** @param {Record<string, unknown>} frame */
  #refused(frame) {
    const problem = { code: asText(frame.code), message: asText(frame.message) };
    const match = isText(frame.match) ? frame.match : null;
    if (match) this.#leaving.delete(match);
    const followed = match ? this.#matches.get(match) : undefined;
    // The same question would have the same answer.
    if (problem.code === "no_subject") this.#listenDue = false;
    if (!followed) {
      if (!match) this.#listeners.emit("error", problem);
      return;
    }
    // The request is repeated, and may be refused again: that is no news.
    if (followed.problem === problem.code) return;
    followed.problem = problem.code;
    followed.listeners.emit("error", problem);
  }

  /** @param {Record<string, unknown>} request @returns {boolean} whether it is not too long */
  #send(request) {
    const text = JSON.stringify(request);
    // A character of our ids and epochs has at most two bytes.
    if (text.length * 2 > MESSAGE_BYTES && new TextEncoder().encode(text).length > MESSAGE_BYTES) {
      const problem = { code: "too_large", message: `A message may have at most ${MESSAGE_BYTES} bytes.` };
      this.#matches.get(String(request.match))?.listeners.emit("error", problem);
      return false;
    }
    this.#socket?.send(text);
    return true;
  }

  /** @param {FollowedMatch} followed */
  #subscribe(followed) {
    if (this.#leaving.has(followed.match) || followed.owed) return;
    const { match, only } = followed;
    const since = followed.follower.since();
    followed.sent = this.#send({ action: "subscribe", match, ...(only && { only }), ...(since && { since }) });
  }

  /** Subscribe to the matches without an answer on this connection. */
  #subscribeUnanswered() {
    for (const followed of this.#matches.values()) if (!followed.answered) this.#subscribe(followed);
    if (this.#listenDue) this.#send({ action: "listen" });
    this.#subscribeLater(this.#subscribePause);
  }

  /** Subscribe again later to matches without an answer. @param {number} wait in seconds */
  #subscribeLater(wait) {
    this.#subscribeAgainAt = seconds() + wait * (0.5 + this.#random() / 2);
    this.#subscribePause = Math.min(this.#timings.askSeconds, wait * 2);
  }

  /** @param {FollowedMatch} followed */
  #sync(followed) {
    // Without a connection, the subscribe of the next one asks for the same events.
    if (!this.#socket?.open || followed.closed) return;
    followed.pendingSyncs += 1;
    this.#send({ action: "sync", match: followed.match, ...(followed.follower.since() ?? { seq: 0 }) });
  }

  /** @param {FollowedMatch} followed */
  #leave(followed) {
    if (followed.closed) return;
    followed.end();
    if (this.#matches.get(followed.match) !== followed) return;
    this.#matches.delete(followed.match);
    if (this.#socket?.open && followed.sent && this.#send({ action: "unsubscribe", match: followed.match })) {
      this.#leaving.add(followed.match);
    }
    if (!this.#matches.size)
      this.#timers.start("linger", this.#socket?.open ? this.#timings.lingerSeconds : 0, () => this.#hangUp());
  }

  // ---- care

  #careLater() {
    const now = seconds();
    const due = this.#pingedAt === null ? [] : [this.#pingedAt + this.#timings.pongSeconds];
    if (!this.#hasMessage) due.push(this.#firstMessageBy);
    if (this.#readUnknownAt > now) due.push(this.#readUnknownAt);
    const wait = this.#timings.careSeconds * (0.5 + this.#random());
    this.#timers.start("care", Math.max(0.01, Math.min(wait, ...due.map((at) => at - now))), () => this.#care());
  }

  /** Repeat requests without an answer, and read over HTTP after a silence. */
  #care() {
    const [now, socket] = [seconds(), this.#socket];
    if (!socket) return;
    if (now > this.#leaveAt) {
      socket.drop(null);
      return;
    }
    if (this.#pingedAt !== null && socket.lastMessageAt >= this.#pingedAt) this.#pingedAt = null;
    if (this.#pingedAt !== null && now - this.#pingedAt >= this.#timings.pongSeconds) {
      socket.drop(DEAD);
      return;
    }
    if (!this.#hasMessage && now >= this.#firstMessageBy) {
      socket.drop(SILENT);
      return;
    }
    const matches = [...this.#matches.values()];
    if (now >= this.#readUnknownAt) this.#readUnknown(matches);
    const waits = this.#listenDue || matches.some((followed) => !followed.answered);
    const overdue = waits && now >= this.#subscribeAgainAt;
    if (overdue) {
      this.#leaving.clear();
      for (const followed of matches) followed.owed = 0;
      this.#subscribeUnanswered();
    }
    this.#check(matches, overdue);
    const least = this.#doubted ? this.#timings.firstSeconds / 2 : this.#timings.quietSeconds;
    const quiet = now - socket.lastMessageAt > repair.quiet(least, socket.longestMessageSilence, this.#quietChance);
    if (this.#pingedAt === null && (quiet || now - socket.lastUseAt > this.#idle)) this.#ping(matches);
    this.#careLater();
  }

  /** The first answer takes long: report that, and read matches without a snapshot. @param {FollowedMatch[]} matches */
  #readUnknown(matches) {
    if (!this.#hasMessage && this.#connection.state === "connecting") this.#state("silent", { reason: SILENT });
    if (matches.some(({ answered, follower }) => !answered && !follower.epoch)) void this.#readOverHttp();
  }

  /** Begin the repairs that are due. @param {FollowedMatch[]} matches @param {boolean} overdue */
  #check(matches, overdue) {
    const now = seconds();
    const { silenceSeconds, silenceMostSeconds } = this.#timings;
    const proven = this.#doubted ? 0 : (this.#socket?.longestMessageSilence ?? 0);
    for (const followed of matches) {
      if (followed.follower.epoch === null) continue;
      if (followed.follower.gap || (overdue && !followed.answered)) {
        // In a storm of reconnects the socket answers slowly. HTTP has the events of the meantime.
        this.#repairer.begin(followed);
        continue;
      }
      const patience = repair.looking(silenceSeconds, silenceMostSeconds, proven, this.#silenceChance);
      if (now - followed.lastFrameAt > patience && !this.#hidden) {
        followed.lastFrameAt = now;
        this.#silenceChance = this.#random();
        this.#repairer.begin(followed);
      }
    }
  }

  /**
   * Keep API Gateway from closing an idle connection, and test whether frames still arrive. A page cannot send pings, and
   * a proxy would answer them. The answer to a sync comes from home.
   *
   * @param {FollowedMatch[]} matches
   * @param {boolean} [isAhead] HTTP has events that the socket has not brought
   */
  #ping(matches, isAhead) {
    const followed = matches.find((each) => each.answered && each.follower.epoch);
    if (!followed) return;
    this.#pingedAt = seconds();
    this.#quietChance = this.#random();
    if (isAhead || !this.#socket?.probe())
      this.#send({ action: "sync", match: followed.match, ...followed.follower.since() });
  }

  // ---- over HTTP

  /** While the socket brings nothing: ask over HTTP for the followed matches. */
  async #readOverHttp() {
    if (this.#isReading) return;
    this.#isReading = true;
    const silent = [...this.#matches.values()].filter(
      (followed) => !this.#isOpen || !(followed.answered || followed.problem),
    );
    const { firstSeconds, silenceSeconds } = this.#timings;
    const patience = this.#doubted ? firstSeconds / 2 : repair.patience(silenceSeconds, this.#silenceChance);
    const longest = silent.sort((one, other) => one.lastFrameAt - other.lastFrameAt);
    const due = longest.filter(
      (followed, at) => seconds() - followed.lastFrameAt > patience || (at === 0 && this.#answered === null),
    );
    try {
      // One after the other: if nothing answers, the first request shows it.
      for (const followed of due) {
        followed.lastFrameAt = seconds();
        const { follower } = followed;
        const snapshot = await this.#repairer.snapshot(followed);
        if (followed.closed || (this.#isOpen && followed.answered)) return;
        // For a follower without a snapshot, one that is some seconds old is better than none.
        if (follower.epoch === null) this.#follow(followed, snapshot, true);
        else if (repair.judge(follower, snapshot) !== "ask") await this.#repairer.read(followed);
      }
    } catch (error) {
      if (!(error instanceof ReadError)) throw error;
    } finally {
      this.#isReading = false;
    }
  }

  /** If HTTP answers, the connection was refused; if not, the network is down. @param {boolean} answers */
  #answers(answers) {
    const { state, retryAt } = this.#connection;
    this.#answered = answers;
    if (this.#failures < REFUSALS) return;
    if (answers && state === "waiting") this.#state("refused", { retryAt, reason: this.#refusal });
    if (!answers && state === "refused") this.#state("waiting", { retryAt, reason: "The server does not answer." });
  }

  get #refusal() {
    const why = this.#bears ? ": most likely the token is not valid, or no longer" : "";
    return `The server is there and refuses the connection${why}.`;
  }

  // ---- the page

  get #offline() {
    return this.#page?.navigator?.onLine === false;
  }

  get #hidden() {
    return this.#page?.document?.visibilityState === "hidden";
  }

  #listen() {
    const page = this.#page;
    if (!page) return;
    /** @type {[Pick<PageLike, "addEventListener" | "removeEventListener">, string, () => void][]} */
    const all = [
      [page, "offline", () => this.#wentOffline()],
      [page, "online", () => this.#cameBack()],
      [page, "pageshow", () => this.#cameBack()],
    ];
    if (page.document) all.push([page.document, "visibilitychange", () => this.#hidden || this.#cameBack()]);
    for (const [target, type, listener] of all) {
      target.addEventListener(type, listener);
      this.#unlisten.push(() => target.removeEventListener(type, listener));
    }
  }

  #wentOffline() {
    // The socket would look open for minutes. If the device is online all the same, the next try shows it.
    if (this.#socket) this.#socket.drop();
    else if (this.#timers.has("retry")) this.#state("offline", { retryAt: this.#connection.retryAt, reason: OFFLINE });
  }

  /** The page is visible again, or the network is back: connect after a short jitter. */
  #cameBack() {
    const soon = this.#random() * this.#timings.spreadSeconds;
    const { retryAt, reason } = this.#connection;
    if (this.#timers.has("retry")) {
      this.#retry(
        Math.min(soon, Math.max(0, ((retryAt ?? 0) - Date.now()) / 1000)),
        reason === OFFLINE ? null : reason,
      );
    } else if (this.#socket?.open) {
      const asleep = seconds() - this.#socket.lastMessageAt > this.#timings.silenceSeconds;
      this.#timers.start("care", soon, () => {
        if (asleep && this.#pingedAt === null) this.#ping([...this.#matches.values()]);
        this.#care();
      });
    }
  }
}

/** Whether a score frame has skipped other events. @param {Frame} frame */
function isThin(frame) {
  return isWhole(frame) && frame.events.length < frame.seq - frame.prev;
}
