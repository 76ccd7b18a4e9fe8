// @ts-check
/** The operator's desk: its parts made, and connected to each other. */

import { isMatchId } from "../address.js";
import { setAttribute, setText } from "../dom.js";
import { Shelf } from "../kept.js";
import { Livescore } from "../livescore.js";
import { viewerToken } from "../origin.js";
import { Reader } from "../reading.js";
import { keepShell } from "../shell.js";
import { connectionWords, errorWords, isolated, viewersWords, wrongClock } from "../words.js";
import { Actions } from "./actions.js";
import { deployment } from "./deployment.js";
import { isCorrectable, noticesOf, outboxWords, saidOf, teamsOf, timelineOf } from "./desk.js";
import { Dialogs } from "./dialogs.js";
import { EventWindows } from "./event-windows.js";
import { FollowUp } from "./follow-up.js";
import { Keyboard } from "./keyboard.js";
import { playersOf, playersWith } from "./lineup.js";
import { MatchLineups } from "./lineups.js";
import { MatchBoard } from "./match-board.js";
import { MatchWindows } from "./match-windows.js";
import { Operating } from "./operating.js";
import { OperatorToken } from "./operator-token.js";
import { OperatorsApi } from "./operators-api.js";
import { mended, newId, outlived, seenOnBoard } from "./outbox.js";
import { OutboxStore, storageOf } from "./outbox-store.js";
import { Postman } from "./postman.js";
import { DeskTimeline } from "./timeline.js";
import { DeskView } from "./view.js";
import { asAnother, confirmed, dropped, questions, waiting } from "./waiting.js";
import { WaitingView } from "./waiting-view.js";

const BASE = "/operators";
const TICK_MS = 250;
const READ_MS = 5000;
const CLOCK_WRONG_MS = 120_000;

/** @template {HTMLElement} T @param {string} id @returns {T} */
const byId = (id) => /** @type {T} */ (document.getElementById(id));

/** @param {string} match */
const noMatch = (match) => `There is no match ${match}. Choose another.`;

const connectionSign = () => /** @type {HTMLElement} */ (document.querySelector("#connection .words"));

async function main() {
  const { websockets, operators } = await deployment(connectionSign());
  const urls = Object.values(websockets);
  const token = viewerToken();
  const live = new Livescore({ websockets: urls, token: async () => token });
  const storage = storageOf(window);
  const store = new OutboxStore(storage);
  const shelf = new Shelf(() => window.localStorage);
  const tokens = new OperatorToken(operators, window, () => live.now());
  const reader = new Reader(
    (...request) => fetch(...request),
    (answer, sentAt) => live.observe(answer, sentAt),
  );
  /** @param {string} match */
  const waits = (match) => waiting(store.entries(match), { subject: tokens.subject, now: live.now() });
  const postman = new Postman({
    store,
    tokens,
    waits,
    fetch: (...request) => fetch(...request),
    base: BASE,
    locks: navigator.locks,
    online: () => navigator.onLine,
    epochOf: async (match) => (await reader.match(match)).epoch,
    now: () => live.now(),
  });
  const actions = new Actions({
    store,
    crypto,
    now: () => live.now(),
    ticks: () => performance.now(),
    subject: () => tokens.subject,
    name: () => tokens.about?.name ?? null,
    waits,
    posted: (match) => postman.call(match),
  });
  const followUp = new FollowUp({
    store,
    tokens,
    waits,
    fetch: (...request) => fetch(...request),
    base: BASE,
    now: () => live.now(),
    regions: Object.keys(websockets),
    acceptedAt: (match, id) =>
      match === actions.match ? actions.board?.events.find((event) => event.event_id === id)?.at : undefined,
  });

  const dialogs = new Dialogs();
  /** @type {Operating} */
  let operating;
  const view = new DeskView(
    (action, side) => operating.act(action, side),
    (side, player) => operating.named(side, player),
  );
  const lineups = new MatchLineups({ fetch: (...request) => fetch(...request), shelf, changed: () => paint() });
  const matchWindows = new MatchWindows({
    dialogs,
    reader,
    lineups,
    api: new OperatorsApi({ fetch: (...request) => fetch(...request), base: BASE, tokens }),
    now: () => live.now(),
    open: (match) => open(match, true),
    saved: (snapshot) => {
      tell("Saved.");
      if (snapshot.match === actions.match && known.renew(snapshot) && known.board) take(snapshot.match, known.board);
    },
    removed: (match) => {
      tell("The match is removed.");
      if (match === actions.match) open(match);
    },
  });
  operating = new Operating({
    actions,
    dialogs,
    view,
    windows: new EventWindows(dialogs),
    rows: () => rows(),
    now: () => live.now(),
    goToWaiting: () => waitingView.focus(),
    choose: () => matchWindows.choose(),
    edit: () => void (actions.board && matchWindows.edit(/** @type {any} */ (actions.board))),
    say,
    tell,
    paint: () => paint(),
  });
  const timeline = new DeskTimeline(byId("timeline"), operating.cancel, operating.correct);
  const waitingView = new WaitingView(byId("waiting"), { post: postWaiting, drop: dropWaiting });
  /** @type {import("../livescore.js").Follow | null} */
  let follow = null;
  /** @type {Map<string, import("./outbox.js").Entry>} */
  let before = new Map();
  let known = new MatchBoard();
  let painting = false;
  /** Keys of the entries that waited for a person when last looked at. */
  let waited = "";

  /** Post what waited: from now on it is of the person who says so. @param {readonly import("./waiting-view.js").Question[]} asked */
  function postWaiting(asked) {
    const as = { by: tokens.subject, now: live.now() };
    if (as.by === null && tokens.about === null) return identify();
    for (const match of new Set(asked.map((each) => each.match))) {
      const [again, ids] = [asked.filter((each) => each.again), asked.map((each) => each.id)];
      const entries = store.entries(match);
      store.put(...confirmed(entries, ids, as.by, as.now));
      store.put(...again.flatMap(({ id }) => asAnother(entries, id, { ...as, id: newId(crypto) })));
      postman.call(match);
    }
    say("It goes out now.");
  }

  /** @param {import("./waiting-view.js").Question} asked */
  function dropWaiting({ match, id }) {
    store.put(...dropped(store.entries(match), id, tokens.subject, live.now()));
    postman.call(match);
    say("It is dropped.");
  }

  function identify() {
    const about = tokens.about;
    const until = about?.ends ? ` The token is good until ${new Date(about.ends).toLocaleTimeString("en-GB")}.` : "";
    dialogs.token({
      about: about
        ? `Signed in${about.name ? ` as ${isolated(about.name)}` : ""}.${until}`
        : tokens.trouble || "Nobody is signed in.",
      canSignIn: tokens.canSignIn,
      signIn: () => void tokens.signIn(),
      signOut: () => tokens.signOut(),
      paste: (text) => tokens.paste(text),
    });
  }

  // The match.

  /** @param {string} match @param {boolean} [go] whether the address is to say so too */
  function open(match, go = false) {
    if (go) history.pushState(null, "", `?match=${encodeURIComponent(match)}`);
    follow?.close();
    actions.match = match;
    actions.board = null;
    known = new MatchBoard();
    before = new Map(store.entries(match).map((entry) => [entry.id, entry]));
    follow = null;
    lineups.open(match);
    if (isMatchId(match)) listen(match);
    else known.trouble = noMatch(match);
    view.clear();
    byId("desk").focus({ preventScroll: true });
    paint();
  }

  /** @param {string} match */
  function listen(match) {
    follow = live.follow(match, { history: true });
    follow.on("change", (board) => known.live(board) && known.board && take(match, known.board));
    follow.on("error", ({ code, message }) => {
      known.trouble = code === "unknown_match" ? noMatch(match) : errorWords(code, message);
      paint();
    });
    // The answer also tells the time: a device's own clock may be wrong, and the socket's first frame does not say.
    read();
    postman.call(match);
    followUp.call(match);
  }

  /** @param {string} match @param {import("../livescore.js").Board} board */
  function take(match, board) {
    actions.board = board;
    shelf.put(`desk.${match}`, board, Date.now());
    const events = /** @type {import("./outbox.js").Known[]} */ (board.events);
    store.put(...seenOnBoard(store.entries(match), events, board.epoch));
    store.settleEpoch(match, board.epoch);
    const mending = mended(store.entries(match), events, live.now()).filter((entry) => store.read(entry) === null);
    store.put(...mending);
    if (mending.length) postman.call(match);
    followUp.call(match);
    paint();
  }

  /** Read the board over HTTP: the live connection has not shown one yet, or is not there. */
  function read() {
    const match = actions.match;
    if (match === null || follow === null) return;
    if (!navigator.onLine) return recall(match);
    reader.match(match).then(
      (snapshot) => {
        if (actions.match === match && known.read(snapshot) && known.board) take(match, known.board);
      },
      () => recall(match), // The live connection says what is wrong.
    );
  }

  /** After a reload without a network: the board as this device saw it last, to press on by. @param {string} match */
  function recall(match) {
    if (actions.match !== match || actions.board !== null || known.trouble) return;
    actions.board = shelf.get(`desk.${match}`)?.value ?? null;
    paint();
  }

  const rows = () => {
    const { match, board } = actions;
    return match ? timelineOf(board, store.entries(match), postman.holdup(match), waits(match)) : [];
  };

  /** What the operator is asked about, of all matches; and the entries that are not asked about. */
  function asked() {
    const at = { subject: tokens.subject, now: live.now() };
    const all = store.entries();
    /** @type {Set<string>} */
    const held = new Set();
    const open = [...new Set(all.map((entry) => entry.match))].flatMap((match) => {
      const entries = all.filter((entry) => entry.match === match);
      const waiting = waits(match);
      for (const id of waiting.keys()) held.add(`${match}/${id}`);
      const board = match === actions.match ? actions.board : (shelf.get(`desk.${match}`)?.value ?? null);
      return questions(entries, waiting, { ...at, board });
    });
    return { open, held: [...held].join(" "), free: all.filter((entry) => !held.has(`${entry.match}/${entry.id}`)) };
  }

  // What the operator sees.

  function paint() {
    if (painting) return;
    painting = true;
    queueMicrotask(() => {
      painting = false;
      show();
    });
  }

  function show() {
    const { match, board } = actions;
    const entries = match ? store.entries(match) : [];
    const connection = live.connection;
    actions.sure =
      connection.state === "open" &&
      board !== null &&
      known.heard !== null &&
      known.heard === follow?.board &&
      !board.gap;
    byId("match").hidden = match === null || (board === null && known.trouble !== "");
    byId("nothing").hidden = match !== null;
    const expected = actions.expected();
    view.show(board, expected, live.now());
    view.showPlayers({ home: players("home", entries), away: players("away", entries) }, actions.nameless());
    timeline.show(rows(), (row) => isCorrectable(row.event));
    setText(connectionSign(), connectionWords(connection, Date.now()));
    setAttribute(byId("connection"), "data-state", connection.state);
    setText(byId("viewers"), viewersWords(board?.viewers));
    setText(byId("open-token"), tokens.about ? "Signed in" : "Sign in");
    document.title = board
      ? `${board.score.join("–")} ${board.home} – ${board.away} · desk`
      : "Operator's desk – livescore";
    tick();
  }

  function tick() {
    const expected = actions.expected();
    view.tick(expected, live.now());
    view.showUndo(actions.undoable(), actions.board);
    const off = Date.now() - live.now();
    const { open, held, free } = asked();
    if (held !== waited) {
      // The service has told the time, somebody else is here, a press became old: what waits no longer goes out, and of
      // what waits now, what was sent is asked about.
      waited = held;
      postman.retry();
      for (const match of new Set(store.entries().map((entry) => entry.match))) followUp.call(match);
      paint();
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
    view.showNotices(known.trouble ? [{ id: "unknown", text: known.trouble }, ...notices] : notices);
  }

  /** @param {"home" | "away"} side @param {readonly import("./outbox.js").Entry[]} entries */
  function players(side, entries) {
    const events = /** @type {import("./lineup.js").Named[]} */ (/** @type {unknown} */ (actions.board?.events ?? []));
    const named = playersOf(side, [...events, ...entries.map((entry) => entry.event)]);
    return playersWith(lineups.current[side], named);
  }

  /** @param {string} text */
  function say(text) {
    byId("said").textContent = text;
  }

  /** For everybody, and not only for those who hear the page. @param {string} text */
  function tell(text) {
    say(text);
    view.tell(text);
  }

  store.onChange(() => {
    const match = actions.match;
    if (match) {
      const entries = store.entries(match);
      for (const entry of entries) {
        const was = before.get(entry.id);
        const text = was ? saidOf(was, entry, teamsOf(actions.board)) : "";
        if (text && entry.state === "refused") byId("alarm").textContent = text;
        else if (text) say(text);
      }
      before = new Map(entries.map((entry) => [entry.id, entry]));
      followUp.call(match);
    }
    paint();
  });
  postman.onChange(() => paint());
  tokens.onChange(() => {
    if (!tokens.trouble) postman.retry();
    paint();
  });
  live.on("connection", () => paint());

  window.addEventListener("storage", (event) => {
    if (event.storageArea !== storage) return;
    store.changedElsewhere(event.key);
    for (const match of new Set(store.entries().map((entry) => entry.match))) postman.call(match);
  });
  window.addEventListener("online", () => {
    read(); // Its answer tells the time, and so how old a press is.
    postman.retry();
    paint();
  });
  window.addEventListener("offline", () => paint());
  window.addEventListener("popstate", () => openAddressed());
  document.addEventListener("visibilitychange", () => {
    if (document.visibilityState !== "visible") return;
    postman.retry();
    void lineups.refresh();
  });

  new Keyboard({
    busy: () => dialogs.open,
    act: operating.act,
    leave: () => byId("desk").focus({ preventScroll: true }),
    on: /** @type {HTMLInputElement} */ (byId("keys-on")),
    storage,
  });
  byId("undo").addEventListener("click", operating.undo);
  byId("open-matches").addEventListener("click", () => matchWindows.choose());
  byId("open-matches-too").addEventListener("click", () => matchWindows.choose());
  byId("open-token").addEventListener("click", identify);
  byId("open-help").addEventListener("click", () => dialogs.show("help"));

  function openAddressed() {
    const match = new URLSearchParams(location.search).get("match");
    if (match && match !== actions.match) open(match);
    else if (!match) matchWindows.choose();
  }

  for (const id of outlived(store.entries(), live.now())) {
    const entry = store.entries().find((each) => each.id === id);
    if (entry) store.remove(entry);
  }
  await tokens.start();
  openAddressed();
  setInterval(tick, TICK_MS);
  setInterval(() => {
    if (live.connection.state !== "open") read();
  }, READ_MS);
  // What another match still has to send goes out too, and what it has sent is decided.
  postman.retry();
  for (const match of new Set(store.entries().map((entry) => entry.match))) followUp.call(match);
  paint();
  void keepShell();
}

await main();
