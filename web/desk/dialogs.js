// @ts-check
/** The windows of the operator's desk: matches, token, keys, substitution, video review, cancelling, correcting. */

import { localDay, longDate, timeOfDay, utcDays } from "../day.js";
import { el, setText } from "../dom.js";
import { decisionWords, kindWords, scoreWords, statusWords } from "../words.js";
import { BINDINGS } from "./keys.js";

/** @typedef {import("./actions.js").Result} Result */
/** @typedef {"home" | "away"} Side */
/** @typedef {import("./desk.js").Row} Row */

const DECISIONS = [
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

/** What is most often decided of an event. @param {string} kind */
function suggested(kind) {
  if (/card/.test(kind)) return "card_overturned";
  return kind === "penalty_missed" ? "penalty_overturned" : "goal_disallowed";
}

/** @template {HTMLElement} T @param {string} id @returns {T} */
const byId = (id) => /** @type {T} */ (document.getElementById(id));
/** @param {string} id */
const input = (id) => /** @type {HTMLInputElement} */ (byId(id));
/** @param {string} id */
const select = (id) => /** @type {HTMLSelectElement} */ (byId(id));

export class Dialogs {
  /** @type {Map<string, () => void | string | Promise<void | string>>} */
  #submits = new Map();

  constructor() {
    for (const dialog of document.querySelectorAll("dialog")) {
      dialog.addEventListener("close", () => {
        // The browser gives the focus back to what had it; if that was nothing, the desk has it.
        if (document.activeElement === document.body || document.activeElement === null)
          byId("desk").focus({ preventScroll: true });
      });
      for (const button of dialog.querySelectorAll("[data-close]"))
        button.addEventListener("click", () => dialog.close());
      dialog.querySelector("form")?.addEventListener("submit", (event) => {
        event.preventDefault();
        void this.#submit(dialog);
      });
    }
    byId("keys").append(
      ...BINDINGS.map(({ shown, does }) => el("div", {}, el("dt", {}, el("kbd", {}, shown)), el("dd", {}, does))),
    );
  }

  /** Whether a window is open. */
  get open() {
    return document.querySelector("dialog[open]") !== null;
  }

  /**
   * Open a window. `submit` gives a sentence that says what is wrong, or nothing and the window closes.
   *
   * @param {string} id
   * @param {() => void | string | Promise<void | string>} [submit]
   */
  show(id, submit) {
    const dialog = /** @type {HTMLDialogElement} */ (byId(id));
    this.#submits.set(id, submit ?? (() => {}));
    this.#wrong(dialog, "");
    if (!dialog.open) dialog.showModal();
  }

  /**
   * @param {{read: (day: string) => Promise<{matches: any[]}>, now: number, choose: (match: string) => void}} how
   */
  matches({ read, now, choose }) {
    const id = input("match-id");
    id.value = "";
    this.show("matches", () => {
      const match = id.value.trim().toLowerCase();
      if (!/^[a-z0-9](-?[a-z0-9])*$/.test(match))
        return "An id is small letters, digits and hyphens, such as wc22-final.";
      choose(match);
      return undefined;
    });
    void this.#list(read, now, (match) => {
      byId("matches").dispatchEvent(new Event("chosen"));
      /** @type {HTMLDialogElement} */ (byId("matches")).close();
      choose(match);
    });
  }

  /** @param {{about: string, canSignIn: boolean, signIn: () => void, signOut: () => void, paste: (text: string) => string}} how */
  token({ about, canSignIn, signIn, signOut, paste }) {
    setText(byId("token-about"), about);
    byId("sign-in-row").hidden = !canSignIn;
    byId("sign-in").onclick = signIn;
    byId("sign-out").onclick = () => {
      signOut();
      /** @type {HTMLDialogElement} */ (byId("token")).close();
    };
    const text = input("token-text");
    text.value = "";
    this.show("token", () => {
      const wrong = paste(text.value);
      if (!wrong) text.value = "";
      return wrong;
    });
  }

  /** @param {string} team @param {string} minute @param {(fields: {on: string, off: string, minute: string}) => Result} post */
  substitution(team, minute, post) {
    setText(byId("substitution-team"), team);
    for (const id of ["player-on", "player-off"]) input(id).value = "";
    input("substitution-minute").value = minute;
    this.show("substitution", () =>
      wrongOf(
        post({
          on: input("player-on").value,
          off: input("player-off").value,
          minute: input("substitution-minute").value,
        }),
      ),
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
      decision.value = suggested(chosen()?.event.kind ?? "goal");
      fit();
    };
    subject.onchange = suggest;
    decision.onchange = input("var-cancel").onchange = fit;
    input("var-cancel").checked = true;
    input("var-reason").value = "";
    input("var-minute").value = minute;
    suggest();
    this.show("var", () => {
      const row = chosen();
      const takes = !byId("var-reason-row").hidden;
      const team = row?.event.team;
      const review = {
        decision: decision.value,
        minute: input("var-minute").value,
        ...(row ? { about: row.id } : {}),
        ...(team ? { team } : {}),
      };
      return wrongOf(post(review, takes ? input("var-reason").value.trim() || decisionWords(decision.value) : null));
    });
  }

  /** @param {string} what @param {(reason: string) => Result} post */
  cancel(what, post) {
    setText(byId("cancel-what"), what);
    input("cancel-reason").value = "";
    this.show("cancel", () => wrongOf(post(input("cancel-reason").value)));
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
    this.show("correct", () => {
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

  /** @param {HTMLDialogElement} dialog */
  async #submit(dialog) {
    const wrong = await this.#submits.get(dialog.id)?.();
    this.#wrong(dialog, wrong || "");
    if (!wrong) dialog.close();
  }

  /** @param {HTMLDialogElement} dialog @param {string} text */
  #wrong(dialog, text) {
    const place = dialog.querySelector(".wrong");
    if (place) setText(place, text);
  }

  /** @param {(day: string) => Promise<{matches: any[]}>} read @param {number} now @param {(match: string) => void} choose */
  async #list(read, now, choose) {
    const [about, list] = [byId("matches-about"), byId("matches-list")];
    const day = localDay(now);
    setText(about, "Looking for the matches of today …");
    list.replaceChildren();
    try {
      const days = await Promise.all(utcDays(day).map((each) => read(each)));
      const matches = days
        .flatMap((each) => each.matches)
        .filter((each) => localDay(Date.parse(each.kickoff)) === day || each.status !== "scheduled");
      setText(about, matches.length ? `${longDate(day)}:` : "No match kicks off today. Open one by its id.");
      list.replaceChildren(...matches.map((each) => matchItem(each, choose)));
    } catch {
      setText(about, "The matches of today cannot be read just now. Open one by its id.");
    }
  }
}

/** @param {any} board @param {(match: string) => void} choose */
function matchItem(board, choose) {
  const begun = board.status !== "scheduled";
  const when = begun
    ? `${scoreWords(board.score)}, ${statusWords(board.status)}`
    : timeOfDay(Date.parse(board.kickoff));
  const button = el(
    "button",
    { type: "button", "data-match": board.match },
    el("bdi", {}, board.home),
    " – ",
    el("bdi", {}, board.away),
    el("span", { class: "when" }, when),
  );
  button.addEventListener("click", () => choose(board.match));
  return el("li", {}, button);
}

/** @param {Result} result @returns {string} */
function wrongOf(result) {
  return "wrong" in result ? result.wrong : "";
}
