// @ts-check
/** The acts of buttons and keys: each posts a press, or opens a window that asks for more. */

import { statusWords } from "../words.js";
import { minuteNow, pressWords, teamsOf } from "./desk.js";
import { INTERRUPTIONS, interruptionsOf } from "./interruptions.js";
import { phasesAfter, whyNot } from "./match-rules.js";
import { isLate } from "./view.js";

/** @typedef {"home" | "away"} Side */
/** @typedef {import("./actions.js").Result} Result */
/**
 * @typedef {object} Surroundings
 * @property {import("./actions.js").Actions} actions
 * @property {import("./dialogs.js").Dialogs} dialogs
 * @property {import("./event-windows.js").EventWindows} windows
 * @property {import("./times-window.js").TimesWindow} times
 * @property {import("./view.js").DeskView} view
 * @property {() => import("./desk.js").Row[]} rows of the timeline
 * @property {() => number} now milliseconds since 1970 by the server's clock
 * @property {() => boolean} goToWaiting whether there was something to go to
 * @property {() => void} choose a match
 * @property {() => void} edit the match at the desk
 * @property {(text: string) => void} say to those who hear the page
 * @property {(text: string) => void} tell everybody, for some seconds
 * @property {() => void} paint
 */

export class Operating {
  /** @param {Surroundings} surroundings */
  constructor(surroundings) {
    this.with = surroundings;
    this.act = this.act.bind(this);
    this.cancel = this.cancel.bind(this);
    this.correct = this.correct.bind(this);
    this.times = this.times.bind(this);
    this.undo = this.undo.bind(this);
    this.named = this.named.bind(this);
  }

  /** @param {string} action @param {string} where */
  act(action, where) {
    const { actions, dialogs, view, choose, goToWaiting, tell } = this.with;
    const side = /** @type {Side} */ (where === "away" ? "away" : "home");
    const [name, kind] = action.split(":");
    if (name === "whistle") return this.#told(actions.whistle(kind));
    if (action === "next") return this.#told(actions.whistle());
    if (action === "substitution") return this.#substitute(side);
    if (action === "var") return this.#review();
    if (action === "more") return this.#more();
    if (action === "undo") return this.undo();
    if (action === "matches") return choose();
    if (action === "waiting") return goToWaiting() ? undefined : tell("Nothing waits for you.");
    if (action === "help") return dialogs.show("help");
    if (action === "timeline") return document.getElementById("timeline-name")?.focus();
    if (action === "own_goal" || action === "penalty_goal") return view.sort(action);
    if (action === "bench") return view.turnBench();
    if (action === "player" || action === "assist" || action === "minute") return view.fields[action].select();
    if (action === "goal" && this.#isLate()) return this.#late(side);
    if (action.startsWith("kick_") && this.#isFirstKick()) return this.#firstKick(action, side);
    return this.#told(actions.press(action, side, view.read()));
  }

  undo() {
    const { actions, view, say, tell, paint } = this.with;
    const undone = actions.undo();
    if (!undone) return tell("There is nothing left to undo. Cancel it in the timeline.");
    if (undone === "echo") return tell("Pressed twice: it counts once.");
    view.wrong("");
    say(`Undone: ${pressWords(/** @type {any} */ (undone.event), teamsOf(actions.board))}.`);
    paint();
  }

  /** @param {string} id */
  cancel(id) {
    const { actions, windows } = this.with;
    const row = this.#row(id);
    if (row)
      windows.cancel(pressWords(row.event, teamsOf(actions.board)), (reason) =>
        this.#posted(actions.cancel(id, reason)),
      );
  }

  /** @param {string} id */
  correct(id) {
    const { actions, windows } = this.with;
    const row = this.#row(id);
    if (row?.event.kind === "substitution") {
      const side = row.event.team === "away" ? "away" : "home";
      const { player_on: on = "", player_off: off = "", no_replacement: nobody = false } = row.event;
      const fields = { on, off, nobody, minute: row.minute.replace("′", "") };
      windows.substitution({ team: teamsOf(actions.board)[side], fields, corrects: true }, (right) =>
        this.#posted(actions.correctSubstitution(id, side, right)),
      );
    } else if (row) {
      windows.correct(row, (kind, side, fields) => this.#posted(actions.correct(id, kind, side, fields)));
    }
  }

  /** Show the stages of an event that is counted. @param {string} id */
  times(id) {
    const { actions, times } = this.with;
    const row = this.#row(id);
    if (row?.event.seq && actions.match !== null)
      times.open(actions.match, row.event.seq, pressWords(row.event, teamsOf(actions.board)));
  }

  /** A name was pressed: the player of the next press, or the one whom the last press did not name. @param {Side} side @param {string} player */
  named(side, player) {
    const { actions, view } = this.with;
    if (actions.nameless()?.side !== side) return view.choose(player);
    const result = actions.name(player);
    if (result) this.#told(result);
  }

  /** @param {Result} result @returns {void} */
  #told(result) {
    const { actions, view, say, tell, paint } = this.with;
    if ("echo" in result) return tell("Pressed twice: it counts once.");
    if ("wrong" in result) {
      view.wrong(result.wrong, result.field);
      return undefined;
    }
    view.clear();
    say(`${pressWords(/** @type {any} */ (result.entry.event), teamsOf(actions.board))}.`);
    paint();
  }

  /** Handle the event that a window has posted. @param {Result} result @returns {Result} */
  #posted(result) {
    if (!("wrong" in result)) this.#told(result);
    return result;
  }

  /** @param {Side} side */
  #substitute(side) {
    const { actions, windows, view } = this.with;
    const wrong = this.#ruledOut("substitution");
    if (wrong) return view.wrong(wrong);
    const fields = { on: "", off: view.read().player, nobody: false, minute: this.#minute() };
    windows.substitution({ team: teamsOf(actions.board)[side], fields, corrects: false }, (said) =>
      this.#posted(actions.substitute(side, said)),
    );
  }

  #review() {
    const { actions, windows, rows } = this.with;
    windows.review(rows(), this.#minute(), (about, reason) => this.#posted(actions.review(about, reason)));
  }

  #more() {
    const { actions, windows, edit } = this.with;
    const kinds = interruptionsOf(phasesAfter(actions.expected()?.status ?? ""));
    windows.more([
      ...kinds.map((kind) => ({
        words: /** @type {import("./interruptions.js").Interruption} */ (INTERRUPTIONS[kind]).button,
        act: () => this.#interrupt(kind),
      })),
      ...(actions.board ? [{ words: "Line-ups, teams, kick-off…", act: edit }] : []),
    ]);
  }

  /** @param {string} kind */
  #interrupt(kind) {
    const { actions, windows } = this.with;
    windows.interruption(kind, teamsOf(actions.board), (fields) => this.#posted(actions.interrupt(kind, fields)));
  }

  /** Whether play is over, so that a goal is a late one. */
  #isLate() {
    const board = this.with.actions.expected();
    return board !== null && isLate(board.status);
  }

  /** Ask before a goal after the end of play, so that a slip does not change a result. @param {Side} side */
  #late(side) {
    const { actions, windows, view } = this.with;
    const fields = view.read();
    const status = actions.expected()?.status ?? "";
    const about = { team: teamsOf(actions.board)[side], status: statusWords(status), player: fields.player };
    windows.late(about, ({ player, minute }) =>
      this.#posted(actions.press("goal", side, { ...fields, player, minute })),
    );
  }

  /** Whether a kick would end play and begin the shoot-out. */
  #isFirstKick() {
    const board = this.with.actions.expected();
    return board !== null && board.status !== "shootout" && whyNot("shootout_kick", board.status) === "";
  }

  /** Ask before a slip of the hand ends play. @param {string} action @param {Side} side */
  #firstKick(action, side) {
    const { actions, windows, view } = this.with;
    const fields = view.read();
    const status = actions.expected()?.status ?? "";
    const about = { team: teamsOf(actions.board)[side], status: statusWords(status), scored: action === "kick_scored" };
    windows.firstKick(about, () => this.#posted(actions.press(action, side, fields)));
  }

  /** @param {string} kind */
  #ruledOut(kind) {
    const { actions } = this.with;
    const board = actions.sure ? actions.expected() : null;
    return board ? whyNot(kind, board.status) : "";
  }

  #minute() {
    const { actions, view, now } = this.with;
    return view.read().minute || minuteNow(actions.expected(), now());
  }

  /** @param {string} id */
  #row(id) {
    return this.with.rows().find((each) => each.id === id);
  }
}
