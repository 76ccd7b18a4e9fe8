// @ts-check
/** Paints the timeline of the operator's desk. Rows stay where they are, so that the focus does too. */

import { arrange, el, setAttribute, setText } from "../dom.js";

/** @typedef {import("./desk.js").Row} Row */

/** @type {Readonly<Record<string, string>>} */
const SIGNS = {
  kept: "Kept",
  waiting: "Waits",
  sending: "Sending",
  sent: "Accepted",
  applied: "Counted",
  refused: "Refused",
  cancelled: "Taken back",
};

export class DeskTimeline {
  /** @type {Map<string, Line>} */
  #lines = new Map();

  /**
   * @param {HTMLElement} list
   * @param {(id: string) => void} onCancel
   * @param {(id: string) => void} onCorrect
   * @param {(id: string) => void} onTimes
   */
  constructor(list, onCancel, onCorrect, onTimes) {
    this.list = list;
    this.onCancel = onCancel;
    this.onCorrect = onCorrect;
    this.onTimes = onTimes;
  }

  /** @param {readonly Row[]} rows @param {(row: Row) => boolean} correctable */
  show(rows, correctable) {
    const lines = rows.map((row) => {
      const line =
        this.#lines.get(row.id) ??
        new Line(
          () => this.onCancel(row.id),
          () => this.onCorrect(row.id),
          () => this.onTimes(row.id),
        );
      this.#lines.set(row.id, line);
      line.show(row, correctable(row));
      return line;
    });
    arrange(
      this.list,
      lines.map((line) => line.element),
    );
    const ids = new Set(rows.map((row) => row.id));
    for (const id of this.#lines.keys()) if (!ids.has(id)) this.#lines.delete(id);
  }
}

class Line {
  /** @param {() => void} cancel @param {() => void} correct @param {() => void} times */
  constructor(cancel, correct, times) {
    this.minute = el("span", { class: "minute" });
    this.what = el("span", { class: "what" });
    this.team = el("bdi", { class: "team" });
    this.who = el("span", { class: "who", dir: "auto" });
    this.score = el("span", { class: "score" });
    this.sign = el("span", { class: "sign" });
    this.note = el("span", { class: "note" });
    this.correct = el("button", { type: "button" }, "Correct…");
    this.cancel = el("button", { type: "button" }, "Cancel…");
    this.correct.addEventListener("click", correct);
    this.cancel.addEventListener("click", cancel);
    this.times = el("button", { type: "button" }, "Times…");
    this.times.addEventListener("click", times);
    this.element = el(
      "li",
      {},
      el("p", { class: "event" }, this.minute, this.what, this.team, this.who, this.score),
      el("p", { class: "became" }, this.sign, this.note, this.times),
      el("p", { class: "row-tools" }, this.correct, this.cancel),
    );
  }

  /** @param {Row} row @param {boolean} correctable */
  show(row, correctable) {
    setAttribute(this.element, "data-state", row.state);
    setAttribute(this.element, "data-kind", row.event.kind);
    setAttribute(this.element, "data-event", row.id);
    setText(this.minute, row.minute);
    setText(this.what, row.what);
    setText(this.team, row.team);
    setText(this.who, row.who);
    setText(this.score, row.score);
    setText(this.sign, SIGNS[row.state] ?? row.state);
    setText(this.note, row.note);
    const named = [row.what, row.team, row.minute].filter(Boolean).join(", ");
    setAttribute(this.cancel, "aria-label", `Cancel ${named}`);
    setAttribute(this.correct, "aria-label", `Correct ${named}`);
    setAttribute(this.times, "aria-label", `Times of ${named}`);
    hide(this.times, !(row.event.seq > 0));
    hide(this.cancel, !row.stands);
    hide(this.correct, !row.stands || !correctable);
  }
}

/** Hide a button; if it has the focus, its list's heading gets it. @param {HTMLElement} button @param {boolean} hidden */
function hide(button, hidden) {
  if (hidden && document.activeElement === button) document.getElementById("timeline-name")?.focus();
  if (button.hidden !== hidden) button.hidden = hidden;
}
