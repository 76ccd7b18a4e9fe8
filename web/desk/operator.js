// @ts-check
/** The operator's desk: makes its parts and connects them with each other and with the page. */

import { keepShell } from "../device-store.js";
import { isolated } from "../words.js";
import { Asking } from "./asking.js";
import { deployment } from "./deployment.js";
import { saidOf, teamsOf } from "./desk.js";
import { Dialogs } from "./dialogs.js";
import { EventWindows } from "./event-windows.js";
import { FollowedMatch } from "./followed-match.js";
import { Keyboard } from "./keyboard.js";
import { MatchLineups } from "./lineups.js";
import { MatchWindows } from "./match-windows.js";
import { Operating } from "./operating.js";
import { OperatorsApi } from "./operators-api.js";
import { outlived } from "./outbox.js";
import { BASE, partsOf } from "./parts.js";
import { byId, connectionSign, Screen } from "./screen.js";
import { DeskTimeline } from "./timeline.js";
import { TimesWindow } from "./times-window.js";
import { DeskView } from "./view.js";
import { WaitingView } from "./waiting-view.js";

const TICK_MS = 250;
const READ_MS = 5000;

class Desk {
  #dialogs = new Dialogs();
  /** Entries of the match as they were when last spoken of. @type {Map<string, import("./outbox.js").Entry>} */
  #before = new Map();

  /** @param {import("./parts.js").Parts} parts */
  constructor(parts) {
    this.parts = parts;
    const { actions, tokens, reader, shelf, fetch, now } = parts;
    const paint = () => this.screen.paint();
    this.view = new DeskView(
      (action, side) => this.operating.act(action, side),
      (side, player) => this.operating.named(side, player),
    );
    this.lineups = new MatchLineups({ fetch, shelf, changed: paint });
    this.followed = new FollowedMatch(parts, { opened: (match) => this.#opened(match), changed: paint });
    this.asking = new Asking(parts, { identify: () => this.#identify(), say: (text) => this.#say(text) });
    this.waitingView = new WaitingView(byId("waiting"), this.asking);
    const api = new OperatorsApi({ fetch, base: BASE, tokens });
    this.matchWindows = new MatchWindows({
      dialogs: this.#dialogs,
      reader,
      lineups: this.lineups,
      api,
      now,
      open: (match) => this.#open(match),
      saved: (snapshot) => {
        this.#tell("Saved.");
        this.followed.renew(snapshot);
      },
      removed: (match) => {
        this.#tell("The match is removed.");
        if (match === actions.match) this.followed.open(match);
      },
    });
    this.operating = new Operating({
      actions,
      dialogs: this.#dialogs,
      view: this.view,
      windows: new EventWindows(this.#dialogs),
      times: new TimesWindow(this.#dialogs, api),
      rows: () => this.screen.rows(),
      now,
      goToWaiting: () => this.waitingView.focus(),
      choose: () => this.matchWindows.choose(),
      edit: () => void (actions.board && this.matchWindows.edit(/** @type {any} */ (actions.board))),
      say: (text) => this.#say(text),
      tell: (text) => this.#tell(text),
      paint,
    });
    const { cancel, correct, times } = this.operating;
    const timeline = new DeskTimeline(byId("timeline"), cancel, correct, times);
    const { view, waitingView, lineups, followed, asking } = this;
    this.screen = new Screen(parts, { view, timeline, waitingView, lineups, followed, asking });
    this.#hear();
    this.#watch();
    this.#press();
  }

  /** Open the match of the address, send waiting entries, and start the timers. */
  async start() {
    const { live, store, tokens, postman, followUp, now } = this.parts;
    for (const id of outlived(store.entries(), now())) {
      const entry = store.entries().find((each) => each.id === id);
      if (entry) store.remove(entry);
    }
    await tokens.start();
    this.#openAddressed();
    setInterval(() => this.screen.tick(), TICK_MS);
    setInterval(() => {
      if (live.connection.state !== "open") this.followed.read();
    }, READ_MS);
    // Entries of other matches are sent too, and the desk asks for the outcomes of sent ones.
    postman.retry();
    for (const match of store.matches()) followUp.call(match);
    this.screen.paint();
    void keepShell();
  }

  /** Open a match, which the address says then. @param {string} match */
  #open(match) {
    history.pushState(null, "", `?match=${encodeURIComponent(match)}`);
    this.followed.open(match);
  }

  #openAddressed() {
    const match = new URLSearchParams(location.search).get("match");
    if (match && match !== this.parts.actions.match) this.followed.open(match);
    else if (!match) this.matchWindows.choose();
  }

  /** @param {string} match */
  #opened(match) {
    this.#before = new Map(this.parts.store.entries(match).map((entry) => [entry.id, entry]));
    this.lineups.open(match);
    this.view.clear();
    this.#focus();
  }

  /** Listen to the parts. */
  #hear() {
    const { live, store, tokens, postman, actions, followUp } = this.parts;
    const paint = () => this.screen.paint();
    store.onChange(() => {
      const { match } = actions;
      if (match) {
        this.#speak(match);
        followUp.call(match);
      }
      paint();
    });
    postman.onChange(paint);
    tokens.onChange(() => {
      if (!tokens.trouble) postman.retry();
      paint();
    });
    live.on("connection", paint);
  }

  /** Announce the outcomes of the presses. @param {string} match */
  #speak(match) {
    const { store, actions } = this.parts;
    const entries = store.entries(match);
    for (const entry of entries) {
      const was = this.#before.get(entry.id);
      const text = was ? saidOf(was, entry, teamsOf(actions.board)) : "";
      if (text && entry.state === "refused") byId("alarm").textContent = text;
      else if (text) this.#say(text);
    }
    this.#before = new Map(entries.map((entry) => [entry.id, entry]));
  }

  /** Listen to the browser: other windows, the network, the address, the page's visibility. */
  #watch() {
    const { storage, store, postman } = this.parts;
    window.addEventListener("storage", (event) => {
      if (event.storageArea !== storage) return;
      store.changedElsewhere(event.key);
      for (const match of store.matches()) postman.call(match);
    });
    window.addEventListener("online", () => {
      this.followed.read(); // Its answer tells the time, and so how old a press is.
      postman.retry();
      this.screen.paint();
    });
    window.addEventListener("offline", () => this.screen.paint());
    window.addEventListener("popstate", () => this.#openAddressed());
    document.addEventListener("visibilitychange", () => {
      if (document.visibilityState !== "visible") return;
      postman.retry();
      void this.lineups.refresh();
    });
  }

  /** Listen to the keys, and to the buttons around the match. */
  #press() {
    new Keyboard({
      busy: () => this.#dialogs.open,
      act: this.operating.act,
      leave: () => this.#focus(),
      on: /** @type {HTMLInputElement} */ (byId("keys-on")),
      storage: this.parts.storage,
    });
    byId("undo").addEventListener("click", this.operating.undo);
    byId("open-matches").addEventListener("click", () => this.matchWindows.choose());
    byId("open-matches-too").addEventListener("click", () => this.matchWindows.choose());
    byId("open-token").addEventListener("click", () => this.#identify());
    byId("open-help").addEventListener("click", () => this.#dialogs.show("help"));
  }

  #identify() {
    const { tokens } = this.parts;
    const about = tokens.about;
    const until = about?.ends ? ` The token is good until ${new Date(about.ends).toLocaleTimeString("en-GB")}.` : "";
    this.#dialogs.token({
      about: about
        ? `Signed in${about.name ? ` as ${isolated(about.name)}` : ""}.${until}`
        : tokens.trouble || "Nobody is signed in.",
      canSignIn: tokens.canSignIn,
      signIn: () => void tokens.signIn(),
      signOut: () => tokens.signOut(),
      paste: (text) => tokens.paste(text),
    });
  }

  #focus() {
    byId("desk").focus({ preventScroll: true });
  }

  /** Announce a text to screen readers. @param {string} text */
  #say(text) {
    byId("said").textContent = text;
  }

  /** Show a text, and announce it to screen readers. @param {string} text */
  #tell(text) {
    this.#say(text);
    this.view.tell(text);
  }
}

await new Desk(partsOf(await deployment(connectionSign()))).start();
