// @ts-check
/** The desk's window with the stages of an event, from the API to the receipt of each cell. */

import { el, setText } from "../dom.js";
import { waterfallOf, waterfallWords } from "./waterfall.js";

/** @typedef {import("./waterfall.js").Stage} Stage */

/** @template {HTMLElement} T @param {string} id @returns {T} */
const byId = (id) => /** @type {T} */ (document.getElementById(id));

export class TimesWindow {
  /** The number of reads: an older answer must not replace a newer one. */
  #reads = 0;
  /** @type {{match: string, seq: number} | null} */
  #event = null;

  /** @param {import("./dialogs.js").Dialogs} dialogs @param {import("./operators-api.js").OperatorsApi} api */
  constructor(dialogs, api) {
    this.dialogs = dialogs;
    this.api = api;
    byId("times-again").addEventListener("click", () => void this.#read());
  }

  /** Open the window and read the stages. @param {string} match @param {number} seq @param {string} what the event in words */
  open(match, seq, what) {
    this.#event = { match, seq };
    setText(byId("times-about"), what);
    this.#show([], []);
    this.dialogs.show("times");
    void this.#read();
  }

  async #read() {
    const event = this.#event;
    if (event === null) return;
    const read = ++this.#reads;
    this.#say("Reading …", "");
    const answer = await this.api.trace(event.match, event.seq);
    if (read !== this.#reads) return;
    const waterfall = "body" in answer ? waterfallOf(answer.body) : null;
    if (waterfall === null) {
      this.#say("", "wrong" in answer ? answer.wrong : "Something that is not the API answered.");
      return;
    }
    this.#say(waterfallWords(waterfall), "");
    this.#show(waterfall.stages, waterfall.notes);
  }

  /** @param {string} text @param {string} wrong */
  #say(text, wrong) {
    setText(byId("times-state"), text);
    setText(byId("times-wrong"), wrong);
  }

  /** @param {readonly Stage[]} stages @param {readonly string[]} notes */
  #show(stages, notes) {
    const table = byId("times-table");
    table.hidden = stages.length === 0;
    for (const body of table.querySelectorAll("tbody")) body.remove();
    for (const [place, stage] of stages.entries()) {
      if (place === 0 || stage.cell !== stages[place - 1]?.cell) table.append(groupOf(stage.cell));
      table.lastElementChild?.append(rowOf(stage));
    }
    byId("times-notes").replaceChildren(...notes.map((note) => el("li", {}, note)));
  }
}

/** The rows of a cell below its name; those at home have no name. @param {string | null} cell */
function groupOf(cell) {
  const group = el("tbody");
  if (cell !== null) group.append(el("tr", {}, el("th", { scope: "rowgroup", colspan: "4" }, cell)));
  return group;
}

/** @param {Stage} stage */
function rowOf({ words, after, took, start, part }) {
  const bar = el("span");
  // A style attribute would be against the content security policy; a property of the element is not.
  bar.style.setProperty("--start", String(start));
  bar.style.setProperty("--part", String(part));
  const number = (/** @type {number} */ ms) => el("td", { class: "ms" }, ms.toLocaleString("en"));
  return el(
    "tr",
    {},
    el("th", { scope: "row" }, words),
    number(after),
    number(took),
    el("td", { class: "bar", "aria-hidden": "true" }, bar),
  );
}
