// @ts-check
/** The timeline of a match in the document, the newest first. One line for each event, made once and touched only when
 * the event itself has changed: when it is taken back or corrected. */

import { isGoal } from "../boards.js";
import { timeOfDay } from "../day.js";
import { arrange, el, heard, icon, setAttribute, setText } from "../dom.js";
import { eventWords, kindWords, minuteWords, mistakeWords, scoreWords, teamOf, whyCancelled } from "../words.js";

/** @import { Event, Moment, Teams } from "../page-types.js" */

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

const PHASES = new Set([
  "kick_off",
  "half_time",
  "second_half",
  "extra_time",
  "extra_half_time",
  "extra_second_half",
  "shootout",
  "full_time",
  "postponed",
  "called_off",
  "suspended",
  "resumed",
  "abandoned",
  "awarded",
]);

/** Events that happen in a minute: a dash stands for one that is not known. */
const TIMED = /goal|card|substitution|penalty_missed/;

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
  constructor(moment, teams) {
    const { event } = moment;
    const phase = PHASES.has(event.kind);
    this.what = el("span", { class: "what" });
    this.names = el("span", { class: "names" });
    this.minute = el("span", { class: "minute" });
    this.tally = el("span", { class: "tally" });
    this.corrected = el("span", { class: "corrected" });
    this.why = el("p", { class: "why" });
    this.element = el("li", { class: phase ? "moment moment-phase" : "moment", "data-kind": event.kind });
    if (phase) {
      this.element.append(el("p", { class: "body" }, this.what, this.tally, this.names), this.why);
    } else {
      const kick = event.kind === "shootout_kick" ? (event.scored ? "in" : "out") : null;
      this.element.append(
        this.minute,
        el("span", { class: "mark" }, icon(kick ?? ICONS[event.kind] ?? "ball")),
        el(
          "div",
          { class: "body" },
          el("p", { class: "headline" }, this.what, heard(" "), this.tally, heard(": "), this.names, this.corrected),
          this.why,
        ),
      );
    }
    /** @type {Moment | null} */
    this.moment = null;
    this.show(moment, teams);
  }

  /** @param {Moment} moment @param {Teams} teams */
  show(moment, teams) {
    const before = this.moment;
    this.moment = moment;
    if (before && same(before, moment)) return;
    const { event, cancellation, mistake, reviewed } = moment;
    setText(this.what, mistake ? mistakeWords(event) : whatOf(event));
    setText(this.minute, minuteWords(event) || (TIMED.test(event.kind) ? "–" : ""));
    setText(this.corrected, event.amended_by && !mistake ? "Corrected" : "");
    setAttribute(this.element, "data-side", event.team ?? null);
    setText(this.tally, mistake ? "" : tallyOf(moment));
    this.names.replaceChildren(...(mistake ? named(teamOf(event, teams), "side") : namesOf(event, teams)));
    setAttribute(this.element, "data-mistake", mistake ? "" : null);
    setAttribute(this.element, "data-cancelled", cancellation && !mistake ? "" : null);
    setText(this.why, cancellation && !mistake ? whyCancelled(cancellation, reviewed, timeOfDay) : "");
  }
}

/** @param {Event} event */
function whatOf(event) {
  if (PHASES.has(event.kind)) return kindWords(event.kind);
  if (event.kind === "shootout_kick") return event.scored ? "Scored" : "Missed";
  if (event.kind === "substitution" && event.no_replacement) return "Off, without a replacement";
  return eventWords(event);
}

/** @param {Moment} one @param {Moment} other */
const same = (one, other) =>
  one.event.seq === other.event.seq &&
  one.event.amended_by === other.event.amended_by &&
  one.cancellation?.seq === other.cancellation?.seq &&
  one.reviewed === other.reviewed &&
  scoreWords(one.score) === scoreWords(other.score) &&
  scoreWords(one.shootout) === scoreWords(other.shootout);

/** @param {string | undefined | null} name @param {string} [kind] */
const named = (name, kind = "person") => (name ? [el("bdi", { class: kind }, name)] : []);

/** Phases that are told with the score. */
const SCORED = /^(half_time|extra_time|extra_half_time|extra_second_half|full_time|suspended|abandoned|awarded)$/;

/** The score after a moment. @param {Moment} moment */
function tallyOf({ event, score, shootout }) {
  if (event.kind === "shootout_kick") return scoreWords(shootout);
  return isGoal(event) || SCORED.test(event.kind) ? scoreWords(score) : "";
}

/** The players, or the reason. @param {Event} event @param {Teams} teams @returns {Node[]} */
function namesOf(event, teams) {
  const side = named(teamOf(event, teams), "side");
  if (event.kind === "substitution") {
    return [...changed("on", event.player_on), ...changed("off", event.player_off), ...side];
  }
  if (PHASES.has(event.kind) || event.kind === "cancellation") return named(event.reason, "detail");
  return [
    ...named(event.player),
    ...(event.assist ? [el("span", { class: "detail" }, "assist ", ...named(event.assist, "assist"))] : []),
    ...(event.bench ? [el("span", { class: "detail" }, "on the bench")] : []),
    ...side,
  ];
}

/** @param {"on" | "off"} way @param {string | null | undefined} name */
const changed = (way, name) => (name ? [el("span", { class: way }, heard(` ${way} `), ...named(name))] : []);
