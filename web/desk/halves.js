// @ts-check
/** The two halves of the desk, home's and away's: the same buttons from one template, with keys of their own. */

import { el } from "../dom.js";

const ACTIONS = [
  ["yellow_card", "Yellow card", "Y"],
  ["second_yellow_card", "Second yellow", "D"],
  ["red_card", "Red card", "R"],
  ["substitution", "Substitution", "S"],
  ["penalty_missed", "Penalty missed", "X"],
];
const KICKS = [
  ["kick_scored", "Kick scored", "K"],
  ["kick_missed", "Kick missed", "L"],
];

/** Fill in both halves of operator.html. */
export function makeHalves() {
  for (const [side, key] of /** @type {const} */ ([
    ["home", "H"],
    ["away", "A"],
  ])) {
    const goal = copyOf("goal-of-side");
    set(goal, { "data-side": side, "aria-keyshortcuts": key });
    part(goal, "kbd").textContent = key;
    const panel = copyOf("panel-of-side");
    set(panel, { "data-of": side, "aria-labelledby": `${side}-actions` });
    part(panel, "h3").id = `${side}-actions`;
    part(panel, ".lineup-name").id = `${side}-players`;
    set(part(panel, ".lineup"), { "aria-labelledby": `${side}-players` });
    part(panel, ".actions").append(...buttons(side, ACTIONS));
    part(panel, ".kicks").append(...buttons(side, KICKS));
    for (const half of [goal, panel]) {
      const team = part(half, "[data-team]");
      set(team, { "data-team": side });
      team.textContent = side === "home" ? "Home" : "Away";
    }
  }
}

/** A copy of a template's element, put beside it. @param {string} id @returns {HTMLElement} */
function copyOf(id) {
  const template = /** @type {HTMLTemplateElement} */ (document.getElementById(id));
  const copy = /** @type {HTMLElement} */ (template.content.firstElementChild?.cloneNode(true));
  template.parentElement?.append(copy);
  return copy;
}

/** @param {HTMLElement} of @param {string} selector @returns {HTMLElement} */
const part = (of, selector) => /** @type {HTMLElement} */ (of.querySelector(selector));

/** @param {HTMLElement} element @param {Record<string, string>} attributes */
function set(element, attributes) {
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
}

/** @param {"home" | "away"} side @param {string[][]} actions */
function buttons(side, actions) {
  return actions.map(([action = "", words = "", key = ""]) => {
    const shown = side === "home" ? key : `Shift+${key}`;
    return el(
      "button",
      { type: "button", "data-action": action, "data-side": side, "aria-keyshortcuts": shown },
      words,
      " ",
      el("kbd", { "aria-hidden": "true" }, side === "home" ? key : `⇧${key}`),
    );
  });
}
