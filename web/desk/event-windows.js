// @ts-check
/** The desk's windows for events: questions before a post. */

import { el, setText } from "../dom.js";
import { decisionWords, isolated, kindWords } from "../words.js";
import { INTERRUPTIONS } from "./interruptions.js";

/** @typedef {import("./actions.js").Result} Result */
/** @typedef {"home" | "away"} Side */
/** @typedef {import("./desk.js").Row} Row */
/** @typedef {{on: string, off: string, minute: string, nobody: boolean}} Change */

const DECISIONS = [
  "checking",
  "goal_disallowed",
  "goal_confirmed",
  "penalty_awarded",
  "penalty_overturned",
  "red_card",
  "card_overturned",
];
const OVERTURNS = ["goal_disallowed", "penalty_overturned", "card_overturned"];
const REVIEWED = [
  "goal",
  "own_goal",
  "penalty_goal",
  "penalty_missed",
  "yellow_card",
  "second_yellow_card",
  "red_card",
];

/**
 * The likely next decision on an event: a check, which harms nothing if it was pressed by mistake; after a check, the
 * most frequent decision.
 *
 * @param {Row | undefined} row the event
 * @param {readonly Row[]} rows the timeline, newest first
 */
function suggested(row, rows) {
  const last = rows.find(({ event, stands }) => stands && event.kind === "var_decision" && event.about === row?.id);
  if (last?.event.decision !== "checking") return "checking";
  if (!row) return "penalty_awarded";
  if (/card/.test(row.event.kind)) return "card_overturned";
  return row.event.kind === "penalty_missed" ? "penalty_overturned" : "goal_disallowed";
}

/** @template {HTMLElement} T @param {string} id @returns {T} */
const byId = (id) => /** @type {T} */ (document.getElementById(id));
/** @param {string} id */
const input = (id) => /** @type {HTMLInputElement} */ (byId(id));
/** @param {string} id */
const select = (id) => /** @type {HTMLSelectElement} */ (byId(id));

export class EventWindows {
  /** @param {import("./dialogs.js").Dialogs} dialogs */
  constructor(dialogs) {
    this.dialogs = dialogs;
  }

  /** Show the rare choices in one place. @param {readonly {words: string, act: () => void}[]} choices */
  more(choices) {
    byId("more-list").replaceChildren(
      ...choices.map(({ words, act }) => {
        const button = el("button", { type: "button" }, words);
        button.addEventListener("click", () => {
          this.dialogs.close("more");
          act();
        });
        return el("li", {}, button);
      }),
    );
    this.dialogs.show("more");
  }

  /**
   * @param {string} kind
   * @param {import("./desk.js").Teams} teams
   * @param {(fields: {reason: string, home: string, away: string}) => Result} post
   */
  interruption(kind, teams, post) {
    const about = /** @type {import("./interruptions.js").Interruption} */ (INTERRUPTIONS[kind]);
    setText(byId("interruption-name"), about.title);
    setText(byId("interruption-about"), `${isolated(teams.home)} – ${isolated(teams.away)}. ${about.means}`);
    setText(byId("interruption-post"), about.post);
    byId("interruption-score").hidden = kind !== "awarded";
    byId("interruption-reasons").replaceChildren(...about.reasons.map((value) => el("option", { value })));
    for (const id of ["interruption-reason", "award-home", "award-away"]) input(id).value = "";
    this.dialogs.show("interruption", () =>
      wrongOf(
        post({
          reason: input("interruption-reason").value,
          home: input("award-home").value,
          away: input("award-away").value,
        }),
      ),
    );
  }

  /**
   * @param {{team: string, status: string, player: string}} about
   * @param {(fields: {player: string, minute: string}) => Result} post
   */
  late({ team, status, player }, post) {
    setText(byId("late-about"), `${status}. This enters a goal of play for ${isolated(team)}, and changes the score.`);
    input("late-player").value = player;
    input("late-minute").value = "";
    this.dialogs.show("late", () =>
      wrongOf(post({ player: input("late-player").value, minute: input("late-minute").value })),
    );
  }

  /**
   * @param {{team: string, status: string, scored: boolean}} about
   * @param {() => Result} post
   */
  firstKick({ team, status, scored }, post) {
    const kick = `${scored ? "A scored" : "A missed"} kick of ${isolated(team)}`;
    setText(byId("first-kick-about"), `${status}. ${kick} ends play and begins the shoot-out.`);
    this.dialogs.show("first-kick", () => wrongOf(post()));
  }

  /**
   * @param {{team: string, fields: Change, corrects: boolean}} about `corrects`: an event that is posted already
   * @param {(fields: Change) => Result} post
   */
  substitution({ team, fields, corrects }, post) {
    setText(byId("substitution-team"), team);
    setText(byId("substitution-post"), corrects ? "Correct" : "Post substitution");
    const [on, off, minute, nobody] = ["player-on", "player-off", "substitution-minute", "nobody-on"].map(input);
    if (!on || !off || !minute || !nobody) return;
    on.value = fields.on;
    off.value = fields.off;
    minute.value = fields.minute;
    nobody.checked = fields.nobody;
    const fit = () => {
      on.disabled = nobody.checked;
    };
    nobody.onchange = fit;
    fit();
    this.dialogs.show("substitution", () =>
      wrongOf(post({ on: on.value, off: off.value, minute: minute.value, nobody: nobody.checked })),
    );
  }

  /**
   * @param {readonly Row[]} rows the timeline, newest first
   * @param {string} minute
   * @param {(review: {decision: string, minute: string, about?: string, team?: string}, reason: string | null) => Result} post
   */
  review(rows, minute, post) {
    const about = rows.filter((row) => row.stands && REVIEWED.includes(row.event.kind));
    const [subject, decision] = [select("var-about"), select("var-decision")];
    subject.replaceChildren(
      ...about.map((row) =>
        el("option", { value: row.id }, [row.what, row.team, row.who, row.minute].filter(Boolean).join(", ")),
      ),
      el("option", { value: "" }, "nothing on the timeline"),
    );
    decision.replaceChildren(...DECISIONS.map((each) => el("option", { value: each }, decisionWords(each))));
    const chosen = () => about.find((row) => row.id === subject.value);
    const fit = () => {
      const overturns = OVERTURNS.includes(decision.value) && chosen() !== undefined;
      byId("var-cancel-row").hidden = !overturns;
      byId("var-reason-row").hidden = !overturns || !input("var-cancel").checked;
    };
    const suggest = () => {
      decision.value = suggested(chosen(), rows);
      fit();
    };
    subject.onchange = suggest;
    decision.onchange = input("var-cancel").onchange = fit;
    input("var-cancel").checked = true;
    input("var-reason").value = "";
    input("var-minute").value = minute;
    suggest();
    this.dialogs.show("var", () => {
      const row = chosen();
      const takes = !byId("var-reason-row").hidden;
      const team = row?.event.team;
      const review = {
        decision: decision.value,
        minute: input("var-minute").value,
        ...(row ? { about: row.id } : {}),
        ...(team ? { team } : {}),
      };
      return wrongOf(post(review, takes ? input("var-reason").value || decisionWords(decision.value) : null));
    });
  }

  /** @param {string} what @param {(reason: string) => Result} post */
  cancel(what, post) {
    setText(byId("cancel-what"), what);
    input("cancel-reason").value = "";
    this.dialogs.show("cancel", () => wrongOf(post(input("cancel-reason").value)));
  }

  /** @param {Row} row @param {(kind: string, side: Side, fields: import("./actions.js").Fields) => Result} post */
  correct(row, post) {
    const goals = ["goal", "penalty_goal", "own_goal"];
    const cards = ["yellow_card", "second_yellow_card", "red_card"];
    const kinds = [goals, cards].find((each) => each.includes(row.event.kind)) ?? [row.event.kind];
    select("correct-kind").replaceChildren(...kinds.map((kind) => el("option", { value: kind }, kindWords(kind))));
    select("correct-kind").value = row.event.kind;
    for (const radio of document.querySelectorAll("input[name=correct-team]")) {
      /** @type {HTMLInputElement} */ (radio).checked =
        /** @type {HTMLInputElement} */ (radio).value === row.event.team;
    }
    input("correct-player").value = row.event.player ?? "";
    input("correct-assist").value = row.event.assist ?? "";
    input("correct-minute").value = row.minute.replace("′", "");
    this.dialogs.show("correct", () => {
      const side = /** @type {HTMLInputElement | null} */ (document.querySelector("input[name=correct-team]:checked"))
        ?.value;
      const fields = {
        player: input("correct-player").value,
        assist: input("correct-assist").value,
        minute: input("correct-minute").value,
        sort: "goal",
      };
      return wrongOf(post(select("correct-kind").value, side === "away" ? "away" : "home", fields));
    });
  }
}

/** @param {Result} result @returns {string} */
function wrongOf(result) {
  return "wrong" in result ? result.wrong : "";
}
