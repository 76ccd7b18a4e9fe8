/**
 * Live scores: matches followed over a WebSocket, what was missed read over HTTP. One module, no dependencies; see
 * docs/client.md for how to use it and docs/protocol.md for what goes over the wire.
 *
 * One file because other pages copy it as it is, and the viewer's page may weigh 64 KB: two modules would cost it 0.8 KB
 * more, the six parts below 3 KB, and 0.5 KB are left.
 *
 * It behaves as the Python client does (client/follower.py, client/repair_plan.py, client/viewer.py and
 * repairer.py); tests/web/scenarios.json holds both to the same. From top to bottom: frames, the follower and the
 * repair's decisions (pure); the server's clock; a connection; what is followed; Livescore, which ties them together.
 *
 * @import {
 *   Board, Clock, Connection, Follow as FollowType, FollowOptions, Follower as FollowerType, Frame,
 *   HistoryPage, Livescore as LivescoreType, MatchEvent, Options, PageLike, Pair, Position, Problem, Status, Timings,
 *   WebSocketLike, Whole,
 * } from "./livescore.js"
 */

// ---------------------------------------------------------------------------------------------------------- frames

/** @param {unknown} value @returns {value is number} */
const isCount = (value) => Number.isSafeInteger(value) && /** @type {number} */ (value) >= 0;

/** @param {unknown} value @returns {value is string} */
const isText = (value) => typeof value === "string";

/** @param {unknown} value @returns {value is Pair} */
const isPair = (value) => Array.isArray(value) && value.length === 2 && isCount(value[0]) && isCount(value[1]);

/** @param {unknown} value @returns {value is Record<string, unknown>} */
const isObject = (value) => typeof value === "object" && value !== null && !Array.isArray(value);

/**
 * Whether seqs rise, up to the last at most.
 *
 * @param {unknown} events
 * @param {number} last
 * @returns {events is MatchEvent[]}
 */
function rise(events, last) {
  let before = 0;
  if (!Array.isArray(events)) return false;
  for (const event of events) {
    if (!isObject(event) || !isCount(event.seq) || event.seq <= before || event.seq > last) return false;
    before = event.seq;
  }
  return true;
}

/**
 * Whether a snapshot or an update has all that a follower reads, each of its kind and in order.
 *
 * @param {Frame} frame
 * @returns {frame is Whole}
 */
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

/**
 * Whether a page of the history has all that a follower reads: its epoch, and events in order with their scores.
 *
 * @param {Frame} page
 * @returns {page is HistoryPage}
 */
function isPage(page) {
  if (!isText(page.epoch) || !isCount(page.seq)) return false;
  return rise(page.events, page.seq) && page.events.every((event) => isPair(event.score));
}

/** The facts of a snapshot beyond teams and kick-off; the usual ones if an older server does not send them.
 * @param {Record<string, unknown>} frame @returns {import("./livescore.js").Terms} */
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

// -------------------------------------------------------------------------------------------------------- follower

/** Frames kept while a snapshot is awaited; a frame lost beyond that is a gap again. */
const EARLY = 64;

/**
 * A viewer's half of the protocol for one match, without I/O: takes frames and says which events to show. Frames may
 * come twice, late, or before the snapshot; a frame may be missing. Duplicates are dropped, an update that is ahead of
 * what it builds on is a gap, and a gap is closed by a snapshot from the follower's position, or by pages of the
 * history and then a snapshot.
 *
 * @implements {FollowerType}
 */
export class Follower {
  /** @type {Whole[]} */
  #early = [];
  /** The seq of a snapshot of this epoch that was not taken: what ends before it closes no gap. */
  #reach = 0;

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
    /** A frame was missed. */
    this.gap = false;
    /** Events that no snapshot could bring back, because it did not reach far enough. */
    this.lost = 0;
    /** Frames that were no whole snapshot or update; they change nothing. */
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

  /** The position to subscribe from, null before the first snapshot. @returns {Position | null} */
  since() {
    return this.epoch ? { epoch: this.epoch, seq: this.seq } : null;
  }

  /** Whether a snapshot of this epoch has every event after the position. @param {Frame} snapshot @returns {boolean} */
  reaches(snapshot) {
    const { seq, events } = /** @type {Whole} */ (snapshot);
    return events.filter((event) => event.seq > this.seq).length >= seq - this.seq;
  }

  /**
   * Take one frame of this match; returns the events that are new, in order.
   *
   * A `patient` follower takes no snapshot that does not reach back to its position: that is a gap, to be closed by
   * `read`. Otherwise what it does not have is counted as `lost`.
   *
   * @param {Frame} frame
   * @param {{patient?: boolean}} [options]
   * @returns {MatchEvent[]}
   */
  take(frame, { patient = false } = {}) {
    if (!isWhole(frame)) {
      if (frame.type === "snapshot" || frame.type === "update") this.junk += 1;
      return [];
    }
    if (frame.type === "snapshot") {
      if (patient && frame.epoch === this.epoch && !this.reaches(frame)) {
        this.gap = true;
        this.#reach = Math.max(this.#reach, frame.seq);
        return [];
      }
      return this.#snapshot(frame, patient);
    }
    if (this.epoch === null) {
      this.#keep(frame);
      return [];
    }
    if (frame.epoch !== this.epoch || frame.prev > this.seq) {
      // Kept until the snapshot: the answer may be older than this frame.
      this.gap = true;
      this.#keep(frame);
      return [];
    }
    return this.#advance(frame);
  }

  /**
   * Take a page of the history after the position; returns the events that are new, in order: none if the page is not
   * whole, is of another epoch, or begins beyond the position. A gap stays one until the snapshot.
   *
   * @param {Frame} page
   * @returns {MatchEvent[]}
   */
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
  #keep(frame) {
    this.#early = [...this.#early.slice(1 - EARLY), frame];
  }

  /** @param {Whole} frame @param {boolean} patient @returns {MatchEvent[]} */
  #snapshot(frame, patient) {
    this.home = frame.home;
    this.away = frame.away;
    this.competition = isText(frame.competition) ? frame.competition : null;
    this.kickoff = isText(frame.kickoff) ? frame.kickoff : null;
    this.terms = readTerms(frame);
    const begins = frame.epoch !== this.epoch;
    if (begins) {
      this.epoch = frame.epoch;
      this.seq = 0;
      this.#reach = 0;
    }
    const fresh = this.#advance(frame);
    const early = this.#early;
    this.#early = [];
    this.gap = this.seq < this.#reach;
    for (const update of early) {
      // With a new epoch, frames of another are what it replaced. So they are when the socket, whose answers are not
      // older than the question, still states this one: kept, they would be a gap that nothing closes.
      if ((patient && !begins) || update.epoch === this.epoch) fresh.push(...this.take(update));
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

// ----------------------------------------------------------------------------------------------- repair's decisions

/** A gap is read within so many seconds, each viewer at its own moment: thousands may miss the same frame. */
const SPREAD = 0.5;

/** Between two tries at most, in seconds. */
const LONGEST = 8;

/** The decisions of a repair, without I/O: where missed events are read, when, and what an answer leads to. */
export const repair = Object.freeze({
  /** Reads over HTTP before the socket is asked. */
  TRIES: 4,

  /** Pages of the history that one repair reads at most: 10,000 events. */
  PAGES: 50,

  /**
   * Seconds to wait before attempt number `attempt` (from 1): full jitter, `chance` being in [0, 1).
   *
   * @param {number} attempt
   * @param {number} chance
   * @param {number} [spread]
   */
  delay: (attempt, chance, spread = SPREAD) => chance * Math.min(LONGEST, spread * 4 ** (attempt - 1)),

  /**
   * Seconds without a frame after which a viewer looks: `silence`, give or take a quarter. A goal ends the silence of
   * all viewers at the same moment; their checks must not come at the same moment too.
   *
   * @param {number} silence
   * @param {number} chance
   */
  patience: (silence, chance) => silence * (0.75 + chance / 2),

  /**
   * Seconds without a frame of a match after which a viewer looks: `least`, or the longest silence `proven` that a message
   * has ended, up to `most`, give or take a quarter.
   *
   * @param {number} least
   * @param {number} most
   * @param {number} proven
   * @param {number} chance
   */
  looking: (least, most, proven, chance) => repair.patience(Math.max(least, Math.min(most, proven)), chance),

  /**
   * Seconds without a frame on a connection after which the server is asked for a sign of life: `least` at first, then
   * twice the longest silence `proven` that a frame has ended, both give or take a quarter. So a quiet connection that
   * works is asked a few times in all, not so often a minute.
   *
   * @param {number} least
   * @param {number} proven
   * @param {number} chance
   */
  quiet: (least, proven, chance) => repair.patience(Math.max(least, proven * 2), chance),

  /**
   * Seconds that the first frame of a connection may take, after `mutes` connections in a row that opened and brought
   * none: twice as long each time, up to `most`. A server that is only slow is so not asked more and more often.
   *
   * @param {number} first
   * @param {number} mutes
   * @param {number} [most]
   */
  grace: (first, mutes, most = 60) => Math.min(Math.max(first, most), first * 2 ** mutes),

  /**
   * Seconds to wait after failed attempt number `attempt` (from 1) to connect: full jitter.
   *
   * @param {number} attempt
   * @param {number} chance
   * @param {number} [base]
   * @param {number} [most]
   */
  backoff: (attempt, chance, base = 0.25, most = 30) => chance * Math.min(most, base * 2 ** attempt),

  /**
   * Where the snapshot since a follower's position is, relative to the API's URL.
   *
   * @param {FollowerType} follower
   */
  snapshotPath: ({ match, seq, epoch }) =>
    `/matches/${encodeURIComponent(match)}?after=${seq}${epoch ? `&epoch=${encodeURIComponent(epoch)}` : ""}`,

  /**
   * Where the next page of the history after a follower's position is, relative to the API's URL.
   *
   * @param {FollowerType} follower
   */
  historyPath: ({ match, seq }) => `/matches/${encodeURIComponent(match)}/events?after=${seq}`,

  /**
   * The next step with a snapshot that came over HTTP: `take` it; read `pages` of the history first, because it does
   * not reach back to the follower; or `ask` over the socket, because it is not whole, or of another epoch. An answer
   * may be some seconds old: who has heard of the new epoch would be thrown back into the old one.
   *
   * @param {FollowerType} follower
   * @param {Frame} answer
   * @returns {"take" | "pages" | "ask"}
   */
  judge: (follower, answer) => {
    if (!isWhole(answer) || answer.epoch !== follower.epoch) return "ask";
    return follower.reaches(answer) ? "take" : "pages";
  },
});

// -------------------------------------------------------------------------------------------------- server's clock

/** Frames and Date headers that agree with this device's clock to so many ms are no reason to doubt it. */
const CLOSE_ENOUGH = 30_000;

/** The difference between this device's clock and the server's. All times are ms. */
class ServerClock {
  /** The difference is at least, and at most; null while nothing has told. @type {number | null} */
  #least = null;
  /** @type {number | null} */
  #most = null;
  /** By the last frame alone: it says when something was posted, a little before it came. @type {number | null} */
  #guess = null;

  /** An event was posted at `at` and is here now. @param {number} at */
  frame(at) {
    this.#guess = at - Date.now();
    this.#narrow(this.#guess, null);
  }

  /**
   * An answer over HTTP came now, to a question that went off at `sent`. A cache says by `Age` how long it has had it.
   *
   * @param {Response} answer
   * @param {number} sent
   */
  answer(answer, sent) {
    const date = Date.parse(answer.headers.get("date") ?? "");
    if (Number.isNaN(date)) return;
    const age = Number(answer.headers.get("age") ?? 0);
    const kept = Number.isFinite(age) && age > 0 ? age * 1000 : 0;
    // Both headers are in whole seconds. Without an Age a cache that says none may have had it for a second.
    this.#narrow(date + kept - Date.now(), date + kept + 2000 - sent);
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
    // Bounds that contradict each other: a clock was put right meanwhile. The newer bound holds.
    const moved =
      (this.#most !== null && least > this.#most) || (most !== null && this.#least !== null && most < this.#least);
    if (moved) [this.#least, this.#most] = [null, null];
    this.#least = Math.max(least, this.#least ?? least);
    if (most !== null) this.#most = Math.min(most, this.#most ?? most);
  }
}

// ------------------------------------------------------------------------------------------------------- listeners

/** An error of the caller's code is reported as if the browser had called that code, and we go on. */
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
  #of = new Map();

  /** @param {string} type @param {(...values: any[]) => void} listener @returns {() => void} */
  on(type, listener) {
    // Each time a function of its own: whoever takes one off takes off no other.
    const mine = (/** @type {any[]} */ ...values) => listener(...values);
    const all = this.#of.get(type) ?? new Set();
    this.#of.set(type, all.add(mine));
    return () => {
      all.delete(mine);
    };
  }

  /** @param {string} type @param {...any} values */
  tell(type, ...values) {
    for (const listener of [...(this.#of.get(type) ?? [])]) run(() => listener(...values));
  }
}

/** Events that wait for a slow `for await`; one that is further behind ends with an error. */
export const BACKLOG = 1000;

/** Events for one `for await`. @implements {AsyncIterableIterator<MatchEvent>} */
class Events {
  /** @type {MatchEvent[]} */
  #waiting = [];
  /** @type {{resolve: (result: IteratorResult<MatchEvent>) => void, reject: (error: Error) => void}[]} */
  #readers = [];
  #ended = false;
  /** @type {Error | null} */
  #failed = null;
  #leave;

  /** @param {(events: Events) => void} leave */
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
      // None is left out silently: those that wait are still given, then it ends.
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

// ---------------------------------------------------------------------------------------------------------- timers

/** Seconds of a clock that only goes forward. */
const seconds = () => performance.now() / 1000;

/** @param {number} wait in seconds @param {() => void} call @returns {() => void} what stops it */
const after = (wait, call) => {
  const timer = setTimeout(call, wait * 1000);
  return () => clearTimeout(timer);
};

/** Timers with names, of which there is one each; none is left after `clear`. */
class Timers {
  /** @type {Map<string, () => void>} */
  #running = new Map();
  #sleeps = 0;

  /** @param {string} name @param {number} wait in seconds @param {() => void} call */
  start(name, wait, call) {
    this.stop(name);
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

  /** Ends never if it is stopped. @param {number} wait in seconds @returns {Promise<void>} */
  sleep(wait) {
    return new Promise((resolve) => {
      this.start(`sleep ${++this.#sleeps}`, wait, resolve);
    });
  }

  clear() {
    for (const name of [...this.#running.keys()]) this.stop(name);
  }
}

// ------------------------------------------------------------------------------------------------------ connection

const DEAD = "The connection was dead.";
const LOST = "The connection was lost.";
const MUTE = "The connection opened, and nothing came through it.";
const OFFLINE = "This device is offline.";

/** One WebSocket, from the first try to open it to its end; of an end it tells once, and nothing after that. */
class Wire {
  /** @type {WebSocketLike | null} */
  #socket;
  #lost;
  open = false;
  /** When something last came, and when it last came or went. */
  heard = seconds();
  used = seconds();
  /** The longest silence that a message has ended. */
  proven = 0;

  /**
   * @param {WebSocketLike} socket
   * @param {{opened: () => void, text: (text: unknown) => void, lost: (reason: string | null) => void}} to
   */
  constructor(socket, to) {
    this.#socket = socket;
    this.#lost = to.lost;
    socket.onopen = () => {
      this.open = true;
      this.heard = this.used = seconds();
      to.opened();
    };
    socket.onmessage = ({ data }) => {
      const now = seconds();
      this.proven = Math.max(this.proven, now - this.heard);
      this.heard = this.used = now;
      to.text(data);
    };
    socket.onclose = () => this.drop(this.open ? LOST : "The connection could not be opened.");
    // Nobody may see the event: some WebSockets put the address there, and the token with it.
    socket.onerror = () => {};
  }

  /** @param {string} text */
  send(text) {
    if (!this.#socket || !this.open) return;
    this.used = seconds();
    try {
      this.#socket.send(text);
    } catch {
      this.drop();
    }
  }

  /** End it, and do not wait for the other side: it may be gone. @param {string | null} [reason] null: as planned */
  drop(reason = LOST) {
    const socket = this.#socket;
    if (!socket) return;
    this.#socket = null;
    this.open = false;
    socket.onopen = socket.onmessage = socket.onclose = null;
    try {
      // The WebSocket of ws would wait half a minute for a goodbye that cannot come.
      if (reason === DEAD || reason === MUTE) socket.terminate?.();
      socket.close(1000);
    } catch {
      // It had not been opened.
    }
    this.#lost(reason);
  }
}

// ------------------------------------------------------------------------------------------------ what is followed

/** One match that is followed: what is known, what is shown, and how far this connection is with it. */
class Thread {
  listeners = new Listeners();
  /** @type {Set<Events>} */
  iterators = new Set();
  /** @type {Board | null} */
  board = null;
  closed = false;
  /** When a frame of it last came; never: before everything. */
  heard = Number.NEGATIVE_INFINITY;
  /** Its subscribe has been answered on this connection. */
  answered = false;
  /** Requests over the socket without an answer yet: its answer is the newest state there is. */
  synced = 0;
  /** Snapshots that are still to come to what was asked for another `only`. */
  owed = 0;
  /** A subscribe of it has been sent on this connection. */
  sent = false;
  /** @type {string | null} */
  problem = null;
  repairing = false;
  /** Events before the first snapshot that were read since. */
  #found = 0;
  /** @type {MatchEvent[]} */
  #events = [];
  /** The epoch of the events. @type {string | null} */
  #epoch = null;
  #gap = false;
  #drawn = "";

  /** @param {string} match @param {FollowOptions} options */
  constructor(match, { only = null, history = false }) {
    this.match = match;
    this.only = only;
    this.history = history;
    this.follower = new Follower(match);
  }

  /** Begin where somebody stopped. @param {unknown} from */
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
    this.#draw();
  }

  /**
   * Show what a frame has brought: the board first, then each event, then that it has changed. Before the first snapshot
   * there is no board.
   *
   * @param {MatchEvent[]} fresh
   * @param {number} late Events up to this seq are no news.
   */
  show(fresh, late) {
    const { follower } = this;
    if (!follower.epoch) return;
    if (this.#epoch !== follower.epoch) [this.#epoch, this.#events] = [follower.epoch, []];
    if (fresh.length) this.#events = withMarks([...this.#events, ...fresh], fresh);
    const changed = this.#draw();
    for (const event of fresh) {
      const live = event.seq > late;
      for (const each of this.iterators) each.push(event);
      this.listeners.tell("event", event, { live });
      if (this.closed) return;
    }
    if (changed) this.listeners.tell("change", this.board);
    if (this.#gap !== follower.gap) {
      this.#gap = follower.gap;
      this.listeners.tell("gap", this.#gap);
    }
  }

  /** The seq of the first event that is known; beyond the position if none is. */
  get first() {
    return this.#events[0]?.seq ?? this.follower.seq + 1;
  }

  /** Put what lies before the first event before it. @param {MatchEvent[]} earlier */
  precede(earlier) {
    this.#events = withMarks([...earlier, ...this.#events], this.#events);
    this.#found += earlier.length;
    this.#draw();
    this.listeners.tell("change", this.board);
  }

  end() {
    this.closed = true;
    for (const each of [...this.iterators]) each.end();
  }

  #draw() {
    const { match, only, follower } = this;
    if (!follower.home || !follower.status) return false;
    const { epoch, seq, status, home, away, competition, kickoff, terms } = follower;
    const { score, shootout, clock, viewers, gap } = follower;
    const lost = Math.max(0, follower.lost - this.#found);
    const about = { home, away, competition, kickoff, ...terms };
    const known = { match, epoch, seq, status, ...about, score, shootout, clock, viewers };
    const text = JSON.stringify([known, gap, lost, this.#found]);
    const changed = text !== this.#drawn;
    this.#drawn = text;
    if (changed) this.board = Object.freeze(/** @type {Board} */ ({ ...known, events: this.#events, gap, lost, only }));
    return changed;
  }
}

/** The fields that an amendment may correct.
 * @type {("player" | "assist" | "player_on" | "player_off" | "minute" | "stoppage")[]} */
const AMENDABLE = ["player", "assist", "player_on", "player_off", "minute", "stoppage"];

/**
 * The events, with what the new ones take back marked and what they amend corrected.
 *
 * @param {MatchEvent[]} events
 * @param {MatchEvent[]} fresh
 */
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
    // A row that was read later may have been amended again since.
    else if ((event.amended_by ?? 0) < seq) events[at] = amended(event, change);
  }
  return events;
}

/** An event as an amendment corrects it: null takes a name away, a minute comes with its stoppage time or with none.
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

/** A page's view of a Thread. @implements {FollowType} */
class Follow {
  #thread;
  #close;

  /** @param {Thread} thread @param {() => void} close */
  constructor(thread, close) {
    this.#thread = thread;
    this.#close = close;
  }

  get match() {
    return this.#thread.match;
  }

  get only() {
    return this.#thread.only;
  }

  get board() {
    return this.#thread.board;
  }

  get closed() {
    return this.#thread.closed;
  }

  /** @param {string} type @param {(...values: any[]) => void} listener */
  on(type, listener) {
    return this.#thread.listeners.on(type, listener);
  }

  close() {
    this.#close();
  }

  [Symbol.asyncIterator]() {
    const { iterators, closed } = this.#thread;
    const events = new Events((mine) => iterators.delete(mine));
    if (closed) events.end();
    else iterators.add(events);
    return events;
  }
}

// ------------------------------------------------------------------------------------------------------- over HTTP

/** The API did not answer, or with nothing of use. */
class ReadError extends Error {}

/** The readers' API. */
class Api {
  #base;
  #fetch;
  #patience;
  #clock;
  #heard;
  /** @type {Set<AbortController>} */
  #reading = new Set();
  /** Those that nobody waits for any more. @type {WeakSet<AbortController>} */
  #given = new WeakSet();

  /**
   * @param {string} base
   * @param {typeof globalThis.fetch} fetch
   * @param {number} patience in seconds
   * @param {ServerClock} clock
   * @param {(answers: boolean) => void} heard is told whether there is a server, at each answer
   */
  constructor(base, fetch, patience, clock, heard) {
    this.#base = base.replace(/\/+$/, "");
    this.#fetch = fetch;
    this.#patience = patience;
    this.#clock = clock;
    this.#heard = heard;
  }

  /**
   * The JSON object at a path of the API.
   *
   * @param {string} path
   * @returns {Promise<Frame>} or a ReadError
   */
  async get(path) {
    const controller = new AbortController();
    this.#reading.add(controller);
    const stop = after(this.#patience, () => controller.abort());
    const sent = Date.now();
    try {
      const answer = await this.#fetch(this.#base + path, {
        signal: controller.signal,
        credentials: "omit",
        headers: { accept: "application/json" },
      });
      this.#clock.answer(answer, sent);
      this.#heard(answer.status < 500);
      if (!answer.ok) throw new ReadError(`status ${answer.status}`);
      const body = await answer.json();
      if (!isObject(body)) throw new ReadError("no JSON object");
      return body;
    } catch (error) {
      if (error instanceof ReadError) throw error;
      if (!this.#given.has(controller)) this.#heard(false);
      throw new ReadError("no answer");
    } finally {
      stop();
      this.#reading.delete(controller);
      this.#given.delete(controller);
    }
  }

  /** Give up what is being read. */
  abort() {
    for (const each of this.#reading) {
      this.#given.add(each);
      each.abort();
    }
  }
}

/** Brings back over HTTP what was missed: what `repair` decides, at most one at a time for each match. */
class Repairs {
  #api;
  #timers;
  #random;
  #spread;
  #to;

  /**
   * @param {Api} api
   * @param {Timers} timers
   * @param {() => number} random
   * @param {number} spread in seconds
   * @param {{show: (thread: Thread, snapshot: Frame) => void, ask: (thread: Thread) => void, found: (thread: Thread, since: number) => void}} to
   *   `show` takes a snapshot, `ask` asks over the socket when HTTP has not helped, `found` is told of what a check
   *   that began then has found.
   */
  constructor(api, timers, random, spread, to) {
    this.#api = api;
    this.#timers = timers;
    this.#random = random;
    this.#spread = spread;
    this.#to = to;
  }

  /** Bring back what is missing of a match, if anything, unless that is being done. @param {Thread} thread */
  async begin(thread) {
    if (thread.repairing) return;
    thread.repairing = true;
    try {
      if (!(await this.#try(thread))) this.#to.ask(thread);
    } finally {
      thread.repairing = false;
    }
  }

  /** @param {Thread} thread @returns {Promise<boolean>} false if only the socket can help */
  async #try(thread) {
    const { follower } = thread;
    const hadGap = follower.gap;
    const begun = seconds();
    for (let attempt = 1; attempt <= repair.TRIES; attempt++) {
      await this.#timers.sleep(repair.delay(attempt, this.#random(), this.#spread));
      // Nobody waits for it any more, or the socket was faster.
      if (thread.closed || (hadGap && !follower.gap)) return true;
      try {
        const { seq } = follower;
        const step = await this.read(thread);
        if (thread.closed) return true;
        if (step === "ask") return false;
        if (step !== "take" || follower.gap) continue;
        if (!hadGap && follower.seq > seq) this.#to.found(thread, begun);
        return true;
      } catch (error) {
        if (!(error instanceof ReadError)) throw error;
      }
    }
    return false;
  }

  /** One try; returns what the answer was good for. @param {Thread} thread */
  async read(thread) {
    const { follower } = thread;
    let snapshot = await this.snapshot(thread);
    let step = repair.judge(follower, snapshot);
    if (step === "pages" && !thread.closed) {
      follower.gap = true;
      await this.#pages(thread);
      snapshot = await this.snapshot(thread);
      step = repair.judge(follower, snapshot);
    }
    // Patient: an answer that may be older than the match's new epoch is no reason to forget that one's frames.
    if (step === "take" && !thread.closed) this.#to.show(thread, snapshot);
    return step;
  }

  /** @param {Thread} thread @returns {Promise<Frame>} */
  async snapshot({ match, follower }) {
    const answer = await this.#api.get(repair.snapshotPath(follower));
    if (answer.type !== "snapshot" || answer.match !== match) throw new ReadError("no snapshot of this match");
    return answer;
  }

  /** Read on in the history until it ends, or is of no use. @param {Thread} thread */
  async #pages(thread) {
    const { follower, match } = thread;
    for (let number = 0; number < repair.PAGES && !thread.closed; number++) {
      const page = await this.#api.get(repair.historyPath(follower));
      if (page.match !== match || page.events === undefined) throw new ReadError("no history of this match");
      const events = thread.closed ? [] : follower.read(page);
      if (!events.length) return;
      thread.show(events, follower.seq);
      if (follower.seq >= /** @type {number} */ (page.seq)) return;
    }
  }

  /** Read the events before the first known one, for followers that want them. @param {Thread} thread */
  async precede(thread) {
    if (!thread.history || !thread.board) return;
    const { epoch } = thread.follower;
    const last = thread.first;
    const behind = new Follower(thread.match);
    behind.epoch = epoch;
    /** @type {MatchEvent[]} */
    const earlier = [];
    for (
      let attempt = 1, number = 0;
      behind.seq < last - 1 && attempt <= repair.TRIES && number < repair.PAGES;
      number++
    ) {
      try {
        const events = behind.read(await this.#api.get(repair.historyPath(behind)));
        if (!events.length) break;
        earlier.push(...events.filter((event) => event.seq < last));
      } catch (error) {
        if (!(error instanceof ReadError)) throw error;
        attempt += 1;
        await this.#timers.sleep(repair.delay(attempt, this.#random(), this.#spread));
      }
      if (thread.closed || thread.follower.epoch !== epoch) return;
    }
    if (earlier.length && behind.seq >= last - 1) thread.precede(earlier);
  }
}

// ------------------------------------------------------------------------------------------------------- livescore

/** A message of ours is at most this long; the server closes the connection over a longer one. */
const MESSAGE_BYTES = 4096;

/** Characters of a token in an address (docs/security.md). */
const QUERY_TOKEN = 3072;
const TOO_LONG = "The token is too long for an address: 3,072 characters at most.";

/** So many tries in a row that do not open, while HTTP answers: it is not the network. */
const REFUSALS = 3;

/** So many connections in a row that died after their first moments: the next one has to outlast those to be believed. */
const DEATHS = 2;

/** @type {Timings} */
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

/** @param {Options["websockets"]} given @returns {URL[]} */
function addresses(given) {
  const all = [];
  for (const each of typeof given === "string" ? [given] : (given ?? [])) {
    if (!/^wss?:\/\/[^/]/i.test(each))
      throw new TypeError("websockets is an address that begins with wss://, or a list of such.");
    all.push(new URL(each));
  }
  if (!all.length) throw new TypeError("websockets names no address.");
  return all;
}

/** @implements {LivescoreType} */
export class Livescore {
  #addresses;
  #cell;
  #api;
  #repairs;
  #token;
  #tokenIn;
  #timings;
  #random;
  #WebSocket;
  #page;
  #clock = new ServerClock();
  #listeners = new Listeners();
  /** @type {Map<string, Thread>} */
  #threads = new Map();
  /** @type {WeakMap<Thread, Follow>} */
  #follows = new WeakMap();
  /** Matches whose unsubscribe has not been answered on this connection. @type {Set<string>} */
  #leaving = new Set();
  /** @type {Connection} */
  #connection = Object.freeze({ state: "closed", attempt: 0, retryAt: null, reason: null });
  /** @type {Wire | null} */
  #wire = null;
  /** The try to connect that counts; an earlier one that still waits for a token finds another number here. */
  #try = 0;
  #attempt = 0;
  /** Tries in a row that did not open. */
  #failures = 0;
  /** Connections in a row that opened and brought nothing. */
  #mutes = 0;
  /** Connections in a row that brought something in their first moments only, and then died. */
  #deaths = 0;
  /** This try has opened: the server, or something before it, has let us in. */
  #isOpen = false;
  /** The server has said something on this connection. */
  #spoken = false;
  #openedAt = 0;
  /** Until then the first frame of this connection has to come, and from then on what it would say is read. */
  #firstBy = 0;
  #helpAt = 0;
  /** Whether HTTP has answered since; null: not known. @type {boolean | null} */
  #answered = null;
  /** Whether a token went with the last try. */
  #bears = false;
  #closed = false;
  #leaveAt = 0;
  #askAfter = 0;
  #askAt = 0;
  #silenceChance;
  #idle;
  /** Where in its quarter more or less the next question to a quiet connection lies. */
  #quietChance = 0;
  /** @type {number | null} */
  #pinged = null;
  #looking = false;
  #timers = new Timers();
  /** @type {(() => void)[]} */
  #unlisten = [];

  /** @param {Options} options */
  constructor(options) {
    this.#addresses = addresses(options.websockets);
    this.#token = options.token ?? (() => null);
    this.#tokenIn = options.tokenIn;
    this.#timings = { ...TIMINGS, ...options.timings };
    this.#random = options.random ?? Math.random;
    const Socket = options.WebSocket ?? /** @type {Options["WebSocket"]} */ (globalThis.WebSocket);
    if (!Socket) throw new TypeError("There is no WebSocket here: give one, such as that of the package ws.");
    this.#WebSocket = Socket;
    const fetch = options.fetch ?? globalThis.fetch.bind(globalThis);
    this.#api = new Api(options.api ?? "", fetch, this.#timings.fetchSeconds, this.#clock, (answers) =>
      this.#answers(answers),
    );
    this.#repairs = new Repairs(this.#api, this.#timers, this.#random, this.#timings.spreadSeconds, {
      show: (thread, snapshot) => this.#follow(thread, snapshot, true),
      ask: (thread) => this.#sync(thread),
      found: (thread, since) => {
        // If the socket has said nothing, perhaps it only looks open.
        if (!this.#wire || this.#wire.heard >= since || this.#pinged !== null) return;
        this.#ping([thread]);
        this.#careLater();
      },
    });
    const here = /** @type {PageLike | null} */ (/** @type {unknown} */ (globalThis));
    this.#page =
      options.page === undefined ? (typeof here?.addEventListener === "function" ? here : null) : options.page;
    this.#cell = Math.floor(this.#random() * this.#addresses.length);
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

  /**
   * @param {string} match
   * @param {FollowOptions} [options]
   * @param {Board | Position | null} [resume]
   */
  follow(match, options = {}, resume = null) {
    if (!isText(match) || !match) throw new TypeError("A match is named by its id.");
    if (this.#closed) throw new Error("This Livescore has been closed.");
    const before = this.#threads.get(match);
    const known = before && before.only === (options.only ?? null) ? this.#follows.get(before) : undefined;
    if (before && known) {
      if (options.history && !before.history) {
        before.history = true;
        void this.#repairs.precede(before);
      }
      return known;
    }
    const thread = new Thread(match, options);
    thread.resume(resume);
    void this.#repairs.precede(thread);
    if (![...this.#threads.values()].some((each) => !each.answered)) this.#askLater(this.#timings.careSeconds);
    if (before) {
      before.end();
      if (before.sent) thread.owed = (before.answered ? 0 : 1) + before.owed + before.synced;
    }
    const follow = new Follow(thread, () => this.#leave(thread));
    this.#threads.set(match, thread);
    this.#follows.set(thread, follow);
    this.#timers.stop("linger");
    if (this.#wire?.open) this.#subscribe(thread);
    else if (this.#connection.state === "closed") void this.#connect();
    return follow;
  }

  close() {
    this.#closed = true;
    for (const thread of this.#threads.values()) thread.end();
    this.#threads.clear();
    for (const unlisten of this.#unlisten.splice(0)) unlisten();
    this.#hangUp();
  }

  // ---- the connection

  /** @param {Connection["state"]} state @param {{retryAt?: number | null, reason?: string | null}} [more] */
  #state(state, { retryAt = null, reason = null } = {}) {
    this.#connection = Object.freeze({ state, attempt: state === "open" ? 0 : this.#attempt, retryAt, reason });
    this.#listeners.tell("connection", this.#connection);
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
      this.#listeners.tell("error", { code: "token_too_long", message: TOO_LONG });
      this.#lost(number, TOO_LONG, false);
      return;
    }
    try {
      this.#wire = new Wire(this.#dial(token), {
        opened: () => this.#opened(),
        text: (text) => this.#take(text),
        lost: (reason) => this.#lost(number, reason),
      });
    } catch {
      this.#lost(number, "The connection could not be opened.");
    }
  }

  get #place() {
    const { protocol } = /** @type {URL} */ (this.#addresses[this.#cell]);
    return this.#tokenIn ?? (protocol === "wss:" ? "subprotocol" : "query");
  }

  /** @param {string | null} token @returns {WebSocketLike} */
  #dial(token) {
    const url = new URL(/** @type {URL} */ (this.#addresses[this.#cell]));
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
    this.#spoken = false;
    this.#failures = 0;
    this.#answered = null;
    this.#pinged = null;
    const wait = repair.grace(this.#timings.firstSeconds, this.#mutes);
    this.#openedAt = seconds();
    this.#firstBy = this.#openedAt + wait;
    this.#helpAt = this.#openedAt + repair.patience(this.#timings.firstSeconds / 4, this.#random());
    this.#quietChance = this.#random();
    this.#idle = this.#timings.idleSeconds * (0.75 + this.#random() / 4);
    const [least, most] = this.#timings.ageSeconds;
    this.#leaveAt = seconds() + least + this.#random() * (most - least);
    this.#askAfter = this.#timings.careSeconds;
    this.#leaving.clear();
    for (const thread of this.#threads.values()) {
      thread.answered = thread.sent = false;
      thread.synced = thread.owed = 0;
    }
    this.#ask();
    this.#careLater();
  }

  /** Something has come from the server. @param {boolean} frame one of the protocol's; the gateway speaks for itself */
  #proved(frame) {
    this.#spoken = true;
    this.#mutes = 0;
    if (seconds() - this.#openedAt >= this.#timings.firstSeconds / 4) this.#deaths = 0;
    if (!this.#wire || !frame || this.#doubted || this.#connection.state === "open") return;
    this.#state("open");
  }

  /** Whether connections open here and carry nothing: it takes more than the first frame to believe the next one. */
  get #doubted() {
    return this.#mutes > 0 || this.#deaths >= DEATHS;
  }

  /**
   * A try has failed or a connection has ended: the next one comes after a random moment.
   *
   * @param {number} number
   * @param {string | null} reason
   * @param {boolean} [dialled] whether the server had the chance to let us in
   */
  #lost(number, reason, dialled = true) {
    if (number !== this.#try) return;
    this.#try += 1;
    const wire = this.#wire;
    this.#wire = null;
    wire?.drop();
    this.#timers.stop("open");
    this.#timers.stop("care");
    if (this.#closed || !this.#threads.size) {
      this.#state("closed");
      return;
    }
    const refused = dialled && !this.#isOpen;
    this.#isOpen = false;
    if (refused) this.#failures += 1;
    if (reason === MUTE) this.#mutes += 1;
    if (reason === DEAD) this.#deaths += 1;
    if (refused || reason === MUTE) this.#cell = (this.#cell + 1) % this.#addresses.length;
    this.#attempt += 1;
    const { retrySeconds, retryMostSeconds } = this.#timings;
    this.#retry(repair.backoff(this.#attempt, this.#random(), retrySeconds, retryMostSeconds), reason);
    if (this.#failures >= REFUSALS || this.#doubted) void this.#lookOverHttp();
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

  /** End the connection and whatever else goes on. */
  #hangUp() {
    this.#timers.clear();
    this.#api.abort();
    this.#try += 1;
    const wire = this.#wire;
    this.#wire = null;
    wire?.drop(this.#spoken && this.#pinged === null ? LOST : DEAD);
    this.#isOpen = false;
    this.#attempt = this.#failures = this.#mutes = this.#deaths = 0;
    if (this.#connection.state !== "closed") this.#state("closed");
  }

  // ---- what comes and what goes

  /** @param {unknown} text */
  #take(text) {
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
      // API Gateway's own words. An overdue request is sent again.
      this.#listeners.tell("error", { code: "gateway", message: "The server is busy. It is asked again." });
      return;
    }
    const match = String(frame.match);
    if (frame.type === "unsubscribed") {
      this.#leaving.delete(match);
      const again = this.#threads.get(match);
      if (again && !again.sent) this.#subscribe(again);
      return;
    }
    const thread = this.#threads.get(match);
    if (!thread || frame.type === undefined) return;
    this.#attempt = 0;
    thread.heard = seconds();
    thread.problem = null;
    if (isCount(frame.at) && frame.type === "update") this.#clock.frame(frame.at);
    if (frame.type === "snapshot" && thread.owed > 0) {
      // An answer to what was asked before: only then is it certain that what is asked now comes after it.
      thread.owed -= 1;
      if (!thread.owed && !thread.sent) this.#subscribe(thread);
      return;
    }
    if (frame.type === "update" && thread.only === null && isThin(frame)) {
      // It was on its way when `only` changed, and would take us past events that it does not have.
      if (/** @type {number} */ (frame.seq) > thread.follower.seq) this.#repairs.begin(thread);
      return;
    }
    const patient = !thread.synced;
    if (frame.type === "snapshot") {
      // It does not say which of two requests it answers. Taking it for the sync's costs one more subscribe at worst.
      if (thread.synced) thread.synced -= 1;
      else thread.answered = true;
    }
    this.#follow(thread, frame, patient);
  }

  /** Take a frame and show what it brought. @param {Thread} thread @param {Frame} frame @param {boolean} patient */
  #follow(thread, frame, patient) {
    const { follower } = thread;
    const [epoch, gap, junk] = [thread.board?.epoch, follower.gap, follower.junk];
    const fresh = follower.take(frame, { patient });
    if (follower.junk > junk) return;
    thread.show(fresh, frame.type === "snapshot" ? /** @type {number} */ (frame.seq) : 0);
    if (thread.closed) return;
    if (follower.gap && !gap) this.#repairs.begin(thread);
    if (thread.board?.epoch !== epoch) void this.#repairs.precede(thread);
  }

  /** @param {Record<string, unknown>} frame */
  #refused(frame) {
    const problem = { code: String(frame.code), message: String(frame.message) };
    const match = isText(frame.match) ? frame.match : null;
    if (match) this.#leaving.delete(match);
    const thread = match ? this.#threads.get(match) : undefined;
    if (!thread) {
      if (!match) this.#listeners.tell("error", problem);
      return;
    }
    // It is asked again, and may be refused again: that is no news.
    if (thread.problem === problem.code) return;
    thread.problem = problem.code;
    thread.listeners.tell("error", problem);
  }

  /** @param {Record<string, unknown>} request @returns {boolean} whether it may be sent */
  #send(request) {
    const text = JSON.stringify(request);
    // Two bytes for a character are the most that an id or an epoch of ours can take.
    if (text.length * 2 > MESSAGE_BYTES && new TextEncoder().encode(text).length > MESSAGE_BYTES) {
      const problem = { code: "too_large", message: `A message may have at most ${MESSAGE_BYTES} bytes.` };
      this.#threads.get(String(request.match))?.listeners.tell("error", problem);
      return false;
    }
    this.#wire?.send(text);
    return true;
  }

  /** @param {Thread} thread */
  #subscribe(thread) {
    if (this.#leaving.has(thread.match) || thread.owed) return;
    const { match, only } = thread;
    const since = thread.follower.since();
    thread.sent = this.#send({ action: "subscribe", match, ...(only && { only }), ...(since && { since }) });
  }

  /** Subscribe to what has not been answered on this connection. */
  #ask() {
    for (const thread of this.#threads.values()) if (!thread.answered) this.#subscribe(thread);
    this.#askLater(this.#askAfter);
  }

  /** Requests that are not answered by then are sent again. @param {number} wait in seconds */
  #askLater(wait) {
    this.#askAt = seconds() + wait * (0.5 + this.#random() / 2);
    this.#askAfter = Math.min(this.#timings.askSeconds, wait * 2);
  }

  /** @param {Thread} thread */
  #sync(thread) {
    // Without a connection, the subscribe of the next one asks for the same.
    if (!this.#wire?.open || thread.closed) return;
    thread.synced += 1;
    this.#send({ action: "sync", match: thread.match, ...(thread.follower.since() ?? { seq: 0 }) });
  }

  /** @param {Thread} thread */
  #leave(thread) {
    if (thread.closed) return;
    thread.end();
    if (this.#threads.get(thread.match) !== thread) return;
    this.#threads.delete(thread.match);
    if (this.#wire?.open && thread.sent && this.#send({ action: "unsubscribe", match: thread.match })) {
      this.#leaving.add(thread.match);
    }
    if (!this.#threads.size)
      this.#timers.start("linger", this.#wire?.open ? this.#timings.lingerSeconds : 0, () => this.#hangUp());
  }

  // ---- care

  #careLater() {
    const now = seconds();
    const due = this.#pinged === null ? [] : [this.#pinged + this.#timings.pongSeconds];
    if (!this.#spoken) due.push(this.#firstBy);
    if (this.#helpAt > now) due.push(this.#helpAt);
    const wait = this.#timings.careSeconds * (0.5 + this.#random());
    this.#timers.start("care", Math.max(0.01, Math.min(wait, ...due.map((at) => at - now))), () => this.#care());
  }

  /** Ask again for what has not been answered, and for what may have been missed in silence. */
  #care() {
    const [now, wire] = [seconds(), this.#wire];
    if (!wire) return;
    if (now > this.#leaveAt) {
      wire.drop(null);
      return;
    }
    if (this.#pinged !== null && wire.heard >= this.#pinged) this.#pinged = null;
    if (this.#pinged !== null && now - this.#pinged >= this.#timings.pongSeconds) {
      wire.drop(DEAD);
      return;
    }
    if (!this.#spoken && now >= this.#firstBy) {
      wire.drop(MUTE);
      return;
    }
    const threads = [...this.#threads.values()];
    if (now >= this.#helpAt) this.#help(threads);
    const overdue = now >= this.#askAt && threads.some((thread) => !thread.answered);
    if (overdue) {
      this.#leaving.clear();
      for (const thread of threads) thread.owed = 0;
      this.#ask();
    }
    this.#check(threads, overdue);
    const least = this.#doubted ? this.#timings.firstSeconds / 2 : this.#timings.quietSeconds;
    const quiet = now - wire.heard > repair.quiet(least, wire.proven, this.#quietChance);
    if (this.#pinged === null && (quiet || now - wire.used > this.#idle)) this.#ping(threads);
    this.#careLater();
  }

  /** The answer to what was asked first takes long: say so, and read what is not known at all. @param {Thread[]} threads */
  #help(threads) {
    if (!this.#spoken && this.#connection.state === "connecting") this.#state("silent", { reason: MUTE });
    if (threads.some(({ answered, follower }) => !answered && !follower.epoch)) void this.#lookOverHttp();
  }

  /** Begin the repairs that are due. @param {Thread[]} threads @param {boolean} overdue */
  #check(threads, overdue) {
    const now = seconds();
    const { silenceSeconds, silenceMostSeconds } = this.#timings;
    const proven = this.#doubted ? 0 : (this.#wire?.proven ?? 0);
    for (const thread of threads) {
      if (thread.follower.epoch === null) continue;
      if (thread.follower.gap || (overdue && !thread.answered)) {
        // In a storm of reconnects the socket is slow to answer; HTTP has what happened meanwhile.
        this.#repairs.begin(thread);
        continue;
      }
      const patience = repair.looking(silenceSeconds, silenceMostSeconds, proven, this.#silenceChance);
      if (now - thread.heard > patience && !this.#hidden) {
        thread.heard = now;
        this.#silenceChance = this.#random();
        this.#repairs.begin(thread);
      }
    }
  }

  /**
   * Keep the gateway from closing an idle connection, and find out whether frames still come through. A page cannot
   * send pings, and a proxy would answer them; the answer to a sync comes from home.
   *
   * @param {Thread[]} threads
   */
  #ping(threads) {
    const thread = threads.find((each) => each.answered && each.follower.epoch);
    if (!thread) return;
    this.#pinged = seconds();
    this.#quietChance = this.#random();
    this.#send({ action: "sync", match: thread.match, ...thread.follower.since() });
  }

  // ---- over HTTP

  /** While the socket brings nothing: whether anything answers, and what it knows of what is followed. */
  async #lookOverHttp() {
    if (this.#looking) return;
    this.#looking = true;
    const silent = [...this.#threads.values()].filter(
      (thread) => !this.#isOpen || !(thread.answered || thread.problem),
    );
    const { firstSeconds, silenceSeconds } = this.#timings;
    const patience = this.#doubted ? firstSeconds / 2 : repair.patience(silenceSeconds, this.#silenceChance);
    const longest = silent.sort((one, other) => one.heard - other.heard);
    const due = longest.filter(
      (thread, at) => seconds() - thread.heard > patience || (at === 0 && this.#answered === null),
    );
    try {
      // One after the other: if nothing answers, the first one has found out.
      for (const thread of due) {
        thread.heard = seconds();
        const { follower } = thread;
        const snapshot = await this.#repairs.snapshot(thread);
        if (thread.closed || (this.#isOpen && thread.answered)) return;
        // A follower without any state is better off with one that is some seconds old.
        if (follower.epoch === null) this.#follow(thread, snapshot, true);
        else if (repair.judge(follower, snapshot) !== "ask") await this.#repairs.read(thread);
      }
    } catch (error) {
      if (!(error instanceof ReadError)) throw error;
    } finally {
      this.#looking = false;
    }
  }

  /** Whether HTTP answers tells a refusal from a network that is down. @param {boolean} answers */
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
    // The socket would look open for minutes. If the device is wrong about itself, the next try shows it.
    if (this.#wire) this.#wire.drop();
    else if (this.#timers.has("retry")) this.#state("offline", { retryAt: this.#connection.retryAt, reason: OFFLINE });
  }

  /** The page is seen again, or the network is back: no reason to wait on, but for a moment's jitter. */
  #cameBack() {
    const soon = this.#random() * this.#timings.spreadSeconds;
    const { retryAt, reason } = this.#connection;
    if (this.#timers.has("retry")) {
      this.#retry(
        Math.min(soon, Math.max(0, ((retryAt ?? 0) - Date.now()) / 1000)),
        reason === OFFLINE ? null : reason,
      );
    } else if (this.#wire?.open) {
      const asleep = seconds() - this.#wire.heard > this.#timings.silenceSeconds;
      this.#timers.start("care", soon, () => {
        if (asleep && this.#pinged === null) this.#ping([...this.#threads.values()]);
        this.#care();
      });
    }
  }
}

/** A frame of the score has passed over other events. @param {Frame} frame */
function isThin(frame) {
  return isWhole(frame) && frame.events.length < frame.seq - frame.prev;
}
