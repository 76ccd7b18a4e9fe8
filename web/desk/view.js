// @ts-check
/** Paints the operator's desk above its timeline, and reads its fields. */

import { hasScore } from "../boards.js";
import { runningMinute } from "../clock.js";
import { kickoffAt, localDay, timeOfDay } from "../day.js";
import { arrange, el, setAttribute, setText } from "../dom.js";
import { isolated, kindWords, scoreWords, statusWords } from "../words.js";
import { minuteNow, pressWords, teamsOf } from "./desk.js";
import { makeHalves } from "./halves.js";
import { whistlesOf } from "./interruptions.js";
import { isAhead } from "./match-form.js";
import { kickoffWords } from "./match-list.js";
import { mayShootOut, phasesAfter, whyNot } from "./match-rules.js";

/** @typedef {import("../livescore.js").Board} Board */
/** @typedef {import("./actions.js").Fields} Fields */

/** Milliseconds for which a notice stays. */
const TOLD_MS = 5000;

/** @template {HTMLElement} T @param {string} id @returns {T} */
const byId = (id) => /** @type {T} */ (document.getElementById(id));

export class DeskView {
  /** Whether the minute was typed, and stays until the next press. */
  #typed = false;
  /** @type {Map<string, HTMLButtonElement>} */
  #whistles = new Map();
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #telling;

  /** @param {(action: string, side: string) => void} onAction @param {(side: "home" | "away", player: string) => void} onName */
  constructor(onAction, onName) {
    this.fields = {
      player: /** @type {HTMLInputElement} */ (byId("player")),
      assist: /** @type {HTMLInputElement} */ (byId("assist")),
      minute: /** @type {HTMLInputElement} */ (byId("minute")),
    };
    this.onAction = onAction;
    this.onName = onName;
    this.bench = /** @type {HTMLInputElement} */ (byId("bench"));
    makeHalves();
    document.addEventListener("click", (event) => {
      const button = event.target instanceof Element ? event.target.closest("[data-action]") : null;
      if (button instanceof HTMLElement) this.onAction(button.dataset.action ?? "", button.dataset.side ?? "home");
    });
    this.fields.minute.addEventListener("input", () => {
      this.#typed = this.fields.minute.value.trim() !== "";
    });
    for (const radio of document.getElementsByName("sort")) radio.addEventListener("change", () => this.#hint());
  }

  /** The fields for the next press. @returns {Fields} */
  read() {
    const sort = /** @type {HTMLInputElement | null} */ (document.querySelector("input[name=sort]:checked"));
    const { player, assist, minute } = this.fields;
    return {
      player: player.value,
      assist: assist.value,
      minute: minute.value,
      sort: sort?.value ?? "goal",
      bench: this.bench.checked,
    };
  }

  /** After a press: empty the fields for the next one. */
  clear() {
    this.fields.player.value = "";
    this.fields.assist.value = "";
    this.sort("goal");
    this.bench.checked = false;
    this.#typed = false;
    this.wrong("");
  }

  /** Make the next goal one of a sort; if it is of that sort already, an ordinary one. @param {string} sort */
  sort(sort) {
    const radios = /** @type {NodeListOf<HTMLInputElement>} */ (document.querySelectorAll("input[name=sort]"));
    const already = [...radios].some((radio) => radio.checked && radio.value === sort);
    const wanted = already ? "goal" : sort;
    for (const radio of radios) radio.checked = radio.value === wanted;
    this.#hint();
  }

  /** Make the next card one for the bench; if it is one already, one on the pitch. */
  turnBench() {
    this.bench.checked = !this.bench.checked;
  }

  /** A player for the next press. @param {string} name */
  choose(name) {
    this.fields.player.value = name;
  }

  /** Show a sentence for some seconds, in a place that moves nothing. @param {string} text */
  tell(text) {
    const place = byId("told");
    setText(place, text);
    place.hidden = false;
    clearTimeout(this.#telling);
    this.#telling = setTimeout(() => {
      place.hidden = true;
    }, TOLD_MS);
  }

  /** Say what is wrong with a field and go there; an empty text takes it back. @param {string} text @param {string} [field] */
  wrong(text, field) {
    setText(byId("wrong"), text);
    for (const [name, input] of Object.entries(this.fields)) {
      setAttribute(input, "aria-invalid", text && name === field ? "true" : null);
      if (text && name === field) input.focus();
    }
  }

  /**
   * @param {Board | null} board as it stands
   * @param {Board | null} expected as it will, once all is applied
   * @param {number} now
   */
  show(board, expected, now) {
    const teams = teamsOf(board);
    for (const element of document.querySelectorAll("[data-team]")) {
      setText(element, teams[/** @type {"home" | "away"} */ (element.getAttribute("data-team"))]);
    }
    setText(byId("home-name"), teams.home);
    setText(byId("away-name"), teams.away);
    setText(byId("match-name"), board ? `${teams.home} – ${teams.away}` : "Match");
    setText(byId("score"), scoreOf(board));
    const coming = scoreOf(expected);
    setText(byId("expected"), coming === scoreOf(board) ? "" : `→ ${coming}`);
    const status = expected?.status ?? "";
    setText(byId("status"), board ? statusWords(status) : "Waiting for the match …");
    this.tick(expected, now);
    this.#showWhistles(status);
    for (const kicks of document.querySelectorAll(".kicks"))
      setAttribute(kicks, "hidden", mayShootOut(status) ? null : "");
    setAttribute(byId("match"), "data-status", status);
    setText(byId("about"), board ? aboutWords(board, now) : "");
    const late = isLate(status);
    setAttribute(byId("match"), "data-late", late ? "" : null);
    for (const verb of document.querySelectorAll(".goal .verb")) setText(verb, late ? "Late goal" : "Goal");
    for (const button of document.querySelectorAll(".goals [data-action], .actions [data-action]")) {
      // Any minute: a late goal's own is asked for.
      const not = status !== "" && whyNot(button.getAttribute("data-action") ?? "", status, late ? 1 : null) !== "";
      setAttribute(button, "aria-disabled", not ? "true" : null);
    }
  }

  /** The minute goes on. @param {Board | null} expected @param {number} now */
  tick(expected, now) {
    const minute = expected ? runningMinute(expected, now) : null;
    setText(byId("clock"), minute?.ticking ? `${minute.text}′` : "");
    const { minute: field } = this.fields;
    if (!this.#typed) {
      const running = minuteNow(expected, now);
      if (field.value !== running && document.activeElement !== field) field.value = running;
    }
    const unknown = field.value.trim() === "?" || field.value.trim() === "";
    setText(byId("minute-about"), unknown ? "not known" : this.#typed ? "as you typed it" : "by the clock");
  }

  /**
   * The players known of each side, each at a press.
   *
   * @param {{home: string[], away: string[]}} players
   * @param {{side: "home" | "away", event: {kind: string}} | null} nameless the last press, if it named nobody
   */
  showPlayers(players, nameless) {
    for (const side of /** @type {const} */ (["home", "away"])) {
      const panel = /** @type {HTMLElement} */ (document.querySelector(`[data-of=${side}]`));
      const list = /** @type {HTMLElement} */ (panel.querySelector(".lineup"));
      const names = players[side];
      const asks = nameless?.side === side && names.length > 0;
      setAttribute(panel, "data-naming", asks ? "" : null);
      const heading = /** @type {HTMLElement} */ (panel.querySelector(".lineup-name"));
      heading.hidden = names.length === 0;
      setText(heading, asks ? `Who? ${kindWords(nameless.event.kind)}` : "For the next press");
      if (list.dataset.names === JSON.stringify(names)) continue;
      list.dataset.names = JSON.stringify(names);
      list.replaceChildren(
        ...names.map((name) => {
          const button = el("button", { type: "button", class: "player" }, el("bdi", {}, name));
          button.addEventListener("click", () => this.onName(side, name));
          return el("li", {}, button);
        }),
      );
      list.hidden = names.length === 0;
    }
    const all = [...new Set([...players.home, ...players.away])];
    const datalist = byId("players");
    if (datalist.dataset.names === JSON.stringify(all)) return;
    datalist.dataset.names = JSON.stringify(all);
    datalist.replaceChildren(...all.map((name) => el("option", { value: name })));
  }

  /** @param {readonly {id: string, text: string}[]} notices */
  showNotices(notices) {
    const list = byId("notices");
    const there = new Map([...list.children].map((item) => [item.getAttribute("data-notice"), item]));
    arrange(
      list,
      notices.map(({ id, text }) => {
        const item = there.get(id) ?? el("li", { class: "notice", "data-notice": id });
        setText(item, text);
        return item;
      }),
    );
  }

  /** @param {{entry: import("./outbox.js").Entry, left: number} | null} undoable @param {Board | null} board */
  showUndo(undoable, board) {
    const bar = byId("undo-bar");
    if (!undoable) {
      if (!bar.hidden && bar.contains(document.activeElement)) byId("desk").focus({ preventScroll: true });
      bar.hidden = true;
      return;
    }
    const event = /** @type {import("../page-types.js").Event} */ (/** @type {unknown} */ (undoable.entry.event));
    setText(byId("undo-what"), pressWords(event, teamsOf(board)));
    setText(byId("undo-seconds"), `(${Math.ceil(undoable.left / 1000)})`);
    /** @type {HTMLProgressElement} */ (byId("undo-left")).value = undoable.left / 1000;
    bar.hidden = false;
  }

  /** @param {string} status */
  #showWhistles(status) {
    const place = byId("whistles");
    const focused = place.contains(document.activeElement);
    const buttons = whistlesOf(phasesAfter(status)).map((kind, index) => {
      const button = this.#whistles.get(kind) ?? whistleButton(kind);
      this.#whistles.set(kind, button);
      setAttribute(button, "class", index === 0 ? "main" : null);
      setAttribute(button, "aria-keyshortcuts", index === 0 ? "N" : null);
      return button;
    });
    arrange(place, buttons);
    if (focused && !place.contains(document.activeElement)) byId("desk").focus({ preventScroll: true });
  }

  #hint() {
    byId("own-hint").hidden = this.read().sort !== "own_goal";
  }
}

/** Whether play is over, so that a goal can only be one of before; an award's score stands. @param {string} status */
export const isLate = (status) => ["shootout", "full_time", "abandoned"].includes(status);

/** @param {string} kind */
function whistleButton(kind) {
  const key = el("kbd", { "aria-hidden": "true" }, "N");
  return el("button", { type: "button", "data-action": `whistle:${kind}` }, kindWords(kind), " ", key);
}

/** @param {Board | null} board */
function scoreOf(board) {
  if (!board) return "–";
  if (!hasScore(board)) return openingWords(board);
  return board.shootout ? `${scoreWords(board.score)} (${scoreWords(board.shootout)})` : scoreWords(board.score);
}

/** The text in place of a score before there is one: the time of the kick-off, as far as it is known.
 * @param {Board} board */
function openingWords({ status, kickoff }) {
  const at = kickoffAt(kickoff);
  return status === "scheduled" && !Number.isNaN(at) ? timeOfDay(at) : "–";
}

/** Competition, leg, ground, and when it begins: `World Cup 2022 · 2nd leg, 3–2 on aggregate`. @param {Board} board @param {number} now */
function aboutWords(board, now) {
  const {
    competition,
    leg,
    first_leg: first,
    neutral,
    status,
    score,
  } = /** @type {import("../page-types.js").Board} */ (/** @type {unknown} */ (board));
  const aggregate = first ? `, ${first[0] + score[0]}–${first[1] + score[1]} on aggregate` : "";
  return [
    competition ? isolated(competition) : "",
    leg ? `${leg === 1 ? "1st" : "2nd"} leg${aggregate}` : "",
    neutral ? "neutral ground" : "",
    isAhead({ status }) ? kickoffWords(/** @type {any} */ (board), localDay(now)) : "",
  ]
    .filter(Boolean)
    .join(" · ");
}
