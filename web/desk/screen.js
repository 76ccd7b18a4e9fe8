// @ts-check
/** The operator's screen: paints the desk's state at most once in a task, and its times.
 * */

import { setAttribute, setText } from "../dom.js";
import { connectionWords, viewersWords, wrongClock } from "../words.js";
import { isCorrectable, noticesOf, outboxWords, timelineOf } from "./desk.js";
import { playersOf, playersWith } from "./lineup.js";

const CLOCK_WRONG_MS = 120_000;

/** @template {HTMLElement} T @param {string} id @returns {T} */
export const byId = (id) => /** @type {T} */ (document.getElementById(id));

export const connectionSign = () => /** @type {HTMLElement} */ (document.querySelector("#connection .words"));

export class Screen {
  #painting = false;
  /** Keys of the entries that waited for the operator at the last check. */
  #waited = "";

  /**
   * @param {import("./parts.js").Parts} parts
   * @param {object} page
   * @param {import("./view.js").DeskView} page.view
   * @param {import("./timeline.js").DeskTimeline} page.timeline
   * @param {import("./waiting-view.js").WaitingView} page.waitingView
   * @param {import("./lineups.js").MatchLineups} page.lineups
   * @param {import("./followed-match.js").FollowedMatch} page.followed
   * @param {import("./asking.js").Asking} page.asking
   */
  constructor(parts, page) {
    this.with = parts;
    this.page = page;
  }

  paint() {
    if (this.#painting) return;
    this.#painting = true;
    queueMicrotask(() => {
      this.#painting = false;
      this.#show();
    });
  }

  /** The rows of the timeline. */
  rows() {
    const { actions, store, postman, waits } = this.with;
    const { match, board } = actions;
    return match ? timelineOf(board, store.entries(match), postman.holdup(match), waits(match)) : [];
  }

  /** Paint what changes with the time. */
  tick() {
    const { live, now, actions, store, postman, tokens, followUp } = this.with;
    const { view, waitingView, asking, followed } = this.page;
    const expected = actions.expected();
    view.tick(expected, now());
    view.showUndo(actions.undoable(), actions.board);
    const off = Date.now() - now();
    const { open, held, free } = asking.look();
    if (held !== this.#waited) {
      // The service has told the time, somebody else is here, a press became old: what waits no longer goes out, and of
      // what waits now, what was sent is asked about.
      this.#waited = held;
      postman.retry();
      for (const match of store.matches()) followUp.call(match);
      this.paint();
    }
    waitingView.show(open);
    const sent = outboxWords(free, open.length);
    setText(byId("outbox"), sent);
    setAttribute(byId("outbox"), "data-waiting", sent === "All sent" ? null : "");
    const notices = noticesOf({
      entries: free.filter((entry) => entry.match === actions.match),
      asked: open.length,
      holdup: postman.holdup(actions.match ?? ""),
      durable: store.durable,
      token: tokens.trouble,
      online: navigator.onLine,
      connection: live.connection,
      clock: Math.abs(off) > CLOCK_WRONG_MS ? wrongClock(off) : "",
    });
    const { trouble } = followed.known;
    view.showNotices(trouble ? [{ id: "unknown", text: trouble }, ...notices] : notices);
  }

  #show() {
    const { live, now, actions, store, tokens } = this.with;
    const { view, timeline, followed } = this.page;
    const { match, board } = actions;
    const entries = match ? store.entries(match) : [];
    const connection = live.connection;
    actions.sure = connection.state === "open" && board !== null && followed.isLive && !board.gap;
    byId("match").hidden = match === null || (board === null && followed.known.trouble !== "");
    byId("nothing").hidden = match !== null;
    const expected = actions.expected();
    view.show(board, expected, now());
    view.showPlayers(
      { home: this.#players("home", entries), away: this.#players("away", entries) },
      actions.nameless(),
    );
    timeline.show(this.rows(), (row) => isCorrectable(row.event));
    setText(connectionSign(), connectionWords(connection, Date.now()));
    setAttribute(byId("connection"), "data-state", connection.state);
    setText(byId("viewers"), viewersWords(board?.viewers));
    setText(byId("open-token"), tokens.about ? "Signed in" : "Sign in");
    document.title = board
      ? `${board.score.join("–")} ${board.home} – ${board.away} · desk`
      : "Operator's desk – livescore";
    this.tick();
  }

  /** @param {"home" | "away"} side @param {readonly import("./outbox.js").Entry[]} entries */
  #players(side, entries) {
    const { board } = this.with.actions;
    const events = /** @type {import("./lineup.js").Named[]} */ (/** @type {unknown} */ (board?.events ?? []));
    const named = playersOf(side, [...events, ...entries.map((entry) => entry.event)]);
    return playersWith(this.page.lineups.current[side], named);
  }
}
