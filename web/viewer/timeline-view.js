// @ts-check
/** The timeline of a match in the document, the newest first. One line for each event, made once and touched only when
 * the event itself has changed: when it is taken back or corrected. */

import { timeOfDay } from "../day.js";
import { arrange, el, heard, icon, setAttribute, setText } from "../dom.js";
import { decisionWords, eventWords, kindWords, minuteWords, scoreWords, teamOf, whyCancelled } from "../words.js";

/** @typedef {import("./moments.js").Moment} Moment */
/** @typedef {import("../words.js").Event} Event */
/** @typedef {import("../words.js").Teams} Teams */

/** @type {Readonly<Record<string, string>>} */
const ICONS = {
  goal: "ball",
  own_goal: "ball",
  penalty_goal: "ball",
  penalty_missed: "miss",
  yellow_card: "card",
  second_yellow_card: "cards",
  red_card: "card",
  substitution: "change",
  var_decision: "screen",
  cancellation: "back",
};

const PHASES = new Set(["kick_off", "half_time", "second_half", "extra_time", "shootout", "full_time"]);

export class TimelineView {
  constructor() {
    this.list = el("ol", { class: "timeline", reversed: "" });
    /** @type {Map<string, Line>} */
    this.lines = new Map();
  }

  /** @param {readonly Moment[]} moments @param {Teams} teams */
  show(moments, teams) {
    const known = new Set();
    const elements = moments.map((moment) => {
      known.add(moment.id);
      let line = this.lines.get(moment.id);
      if (line === undefined) {
        line = new Line(moment, teams);
        this.lines.set(moment.id, line);
      }
      line.show(moment, teams);
      return line.element;
    });
    arrange(this.list, elements);
    for (const id of this.lines.keys()) if (!known.has(id)) this.lines.delete(id);
  }

  /** Draw the eye to it, once. @param {string} id */
  point(id) {
    const line = this.lines.get(id);
    if (line) setAttribute(line.element, "data-fresh", "");
  }
}

class Line {
  /** @param {Moment} moment @param {Teams} teams */
  constructor({ event }, teams) {
    const phase = PHASES.has(event.kind);
    this.what = el("span", { class: "what" });
    this.names = el("span", { class: "names" });
    this.minute = el("span", { class: "minute" });
    this.corrected = el("span", { class: "corrected" });
    this.why = el("p", { class: "why" });
    this.element = el("li", { class: phase ? "moment moment-phase" : "moment", "data-kind": event.kind });
    if (phase) {
      this.element.append(el("p", { class: "body" }, this.what, this.names), this.why);
    } else {
      const kick = event.kind === "shootout_kick" ? (event.scored ? "in" : "out") : null;
      this.element.append(
        this.minute,
        el("span", { class: "mark" }, icon(kick ?? ICONS[event.kind] ?? "ball")),
        el(
          "div",
          { class: "body" },
          el("p", { class: "headline" }, this.what, heard(": "), this.names, this.corrected),
          this.why,
        ),
      );
    }
    /** @type {Moment | null} */
    this.moment = null;
    this.show({ event, cancellation: null, cancelled: null, reviewed: false, id: "" }, teams);
  }

  /** @param {Moment} moment @param {Teams} teams */
  show(moment, teams) {
    const before = this.moment;
    this.moment = moment;
    if (before && same(before, moment)) return;
    const { event, cancellation, cancelled, reviewed } = moment;
    setText(this.what, whatOf(event));
    setText(this.minute, minuteWords(event));
    setText(this.corrected, event.amended_by ? "Corrected" : "");
    setAttribute(this.element, "data-side", event.team ?? cancelled?.team ?? null);
    this.names.replaceChildren(...namesOf(event, cancelled, teams));
    setAttribute(this.element, "data-cancelled", cancellation ? "" : null);
    setText(this.why, cancellation ? whyCancelled(cancellation, reviewed, timeOfDay) : "");
  }
}

/** @param {Event} event */
function whatOf(event) {
  if (PHASES.has(event.kind)) return kindWords(event.kind);
  if (event.kind === "shootout_kick") return event.scored ? "Scored" : "Missed";
  return eventWords(event);
}

/** @param {Moment} one @param {Moment} other */
const same = (one, other) =>
  one.event.seq === other.event.seq &&
  one.event.amended_by === other.event.amended_by &&
  one.cancellation?.seq === other.cancellation?.seq &&
  one.cancelled?.seq === other.cancelled?.seq &&
  one.reviewed === other.reviewed;

/** @param {string | undefined | null} name @param {string} [kind] */
const named = (name, kind = "person") => (name ? [el("bdi", { class: kind }, name)] : []);

/** Who took part. @param {Event} event @param {Event | null} cancelled @param {Teams} teams @returns {Node[]} */
function namesOf(event, cancelled, teams) {
  const side = named(teamOf(event, teams), "side");
  switch (event.kind) {
    case "substitution":
      return [
        el("span", { class: "on" }, heard("on "), ...named(event.player_on)),
        el("span", { class: "off" }, heard(", off "), ...named(event.player_off)),
        ...side,
      ];
    case "cancellation":
      return cancelled ? takenBackNames(cancelled, event, teams) : named(event.reason, "detail");
    case "goal":
    case "own_goal":
    case "penalty_goal":
      return [
        ...named(event.player),
        ...(event.assist ? [el("span", { class: "detail" }, "assist ", ...named(event.assist, "assist"))] : []),
        el("span", { class: "tally" }, heard("; score "), scoreWords(event.score)),
        ...side,
      ];
    case "shootout_kick":
      return [...named(event.player), el("span", { class: "tally" }, heard("; "), scoreWords(event.shootout)), ...side];
    case "half_time":
    case "extra_time":
    case "full_time":
      return [el("span", { class: "tally" }, scoreWords(event.score))];
    default:
      return [...named(event.player), ...side];
  }
}

/** @param {Event} event @param {Event} cancellation @param {Teams} teams */
function takenBackNames(event, cancellation, teams) {
  const minute = minuteWords(event);
  const what = event.kind === "var_decision" ? decisionWords(event.decision) : kindWords(event.kind).toLowerCase();
  const detail = el("span", { class: "detail" }, `${what}${minute && ` ${minute}`}`);
  if (event.player) detail.append(" ", ...named(event.player));
  const why = cancellation.reason
    ? [el("span", { class: "detail" }, "– ", ...named(cancellation.reason, "reason"))]
    : [];
  return [detail, ...why, ...named(teamOf(event, teams), "side")];
}
