// @ts-check
/** The windows to choose a match, to make one, and to change or remove one. */

import { isMatchId } from "../address.js";
import { isDay, localDay, longDate } from "../day.js";
import { el, setText } from "../dom.js";
import { isolated } from "../words.js";
import { fieldsOf, isAhead, matchChanges, newMatch, readMatch } from "./match-form.js";
import { daysToRead, groupsOf, standingWords } from "./match-list.js";

/** @typedef {import("./match-form.js").Fields} Fields */
/** @typedef {import("../page-types.js").Board} Board */

/** Pages of 200 matches that are read of one day. */
const MOST_PAGES = 10;

/** By field: the id of its input. @type {Readonly<Record<keyof Fields, string>>} */
const INPUTS = {
  home: "match-home",
  away: "match-away",
  day: "match-day",
  time: "match-time",
  competition: "match-competition",
  neutral: "match-neutral",
  leg: "match-leg",
  firstHome: "first-home",
  firstAway: "first-away",
  half: "match-half",
  extraHalf: "match-extra-half",
  id: "match-own-id",
  homeLineup: "home-lineup",
  awayLineup: "away-lineup",
};

/** @template {HTMLElement} T @param {string} id @returns {T} */
const byId = (id) => /** @type {T} */ (document.getElementById(id));
/** @param {string} id */
const input = (id) => /** @type {HTMLInputElement} */ (byId(id));

/**
 * @typedef {object} Surroundings
 * @property {import("./dialogs.js").Dialogs} dialogs
 * @property {import("../origin.js").Reader} reader
 * @property {import("./operators-api.js").OperatorsApi} api
 * @property {import("./lineups.js").MatchLineups} lineups
 * @property {() => number} now milliseconds since 1970 by the server's clock
 * @property {(match: string) => void} open a match at the desk
 * @property {(match: string) => void} removed told when a match is no more
 * @property {(snapshot: any) => void} saved told the snapshot of a match that has changed
 */

export class MatchWindows {
  /** @type {Surroundings} */
  #with;
  /** Matches that were read, and whether they are all. @type {{matches: Board[], failed: boolean}} */
  #read = { matches: [], failed: false };
  /** The read under way; another day makes it void. @type {Promise<void>} */
  #reading = Promise.resolve();

  /** @param {Surroundings} surroundings */
  constructor(surroundings) {
    this.#with = surroundings;
    input("match-search").addEventListener("input", () => this.#list());
    input("matches-day").addEventListener("change", () => this.#readDay());
    byId("new-match").addEventListener("click", () => {
      this.#with.dialogs.close("matches");
      this.make();
    });
    byId("match-leg").addEventListener("change", () => this.#fit());
  }

  /** Choose a match. */
  choose() {
    const { dialogs, now } = this.#with;
    input("match-search").value = "";
    input("matches-day").value = localDay(now());
    dialogs.show("matches", () => this.#opened());
    this.#readDay();
  }

  /** Make a match. */
  make() {
    const { dialogs, api, lineups, now, open } = this.#with;
    const kept = { day: isDay(input("matches-day").value) ? input("matches-day").value : localDay(now()) };
    this.#show({ ...fieldsOf({}, { home: [], away: [] }), ...kept, id: "" });
    this.#lock([]);
    setText(byId("match-form-name"), "New match");
    setText(byId("match-save"), "Make the match");
    byId("match-remove").hidden = true;
    byId("match-form-hint").hidden = true;
    dialogs.show("match-form", async () => {
      const read = this.#fields();
      if ("wrong" in read) return read.wrong;
      const answer = await api.create(newMatch(read.body));
      if ("wrong" in answer) return answer.wrong;
      lineups.put(answer.body.match, read.body.lineups);
      open(answer.body.match);
      return undefined;
    });
  }

  /** Change a match, or remove it. @param {Board} board */
  async edit(board) {
    const { dialogs, api, lineups, saved, removed } = this.#with;
    const known = await lineups.read(board.match);
    const before = known ?? { home: [], away: [] };
    const ahead = isAhead(board);
    this.#show(fieldsOf(board, before));
    const fields = /** @type {(keyof Fields)[]} */ (Object.keys(INPUTS));
    const isLineup = (/** @type {keyof Fields} */ field) => field.endsWith("Lineup");
    // Line-ups that cannot be read are not overwritten.
    this.#lock(
      fields.filter((field) =>
        isLineup(field) ? known === null : !ahead || field === "competition" || field === "id",
      ),
    );
    setText(byId("match-form-name"), "Edit the match");
    setText(byId("match-save"), "Save");
    byId("match-form-hint").hidden = ahead;
    /** @type {HTMLDetailsElement} */ (byId("match-lineups")).open =
      !ahead || before.home.length + before.away.length > 0;
    const remove = /** @type {HTMLButtonElement} */ (byId("match-remove"));
    remove.hidden = board.status !== "scheduled";
    setText(remove, "Remove the match…");
    let asked = false;
    remove.onclick = async () => {
      // The first press asks, the second one removes the match.
      if (!asked) {
        asked = true;
        setText(remove, "Really remove it?");
        return;
      }
      const answer = await api.remove(board.match);
      if ("wrong" in answer) return setText(byId("match-form-wrong"), answer.wrong);
      dialogs.close("match-form");
      removed(board.match);
    };
    dialogs.show("match-form", async () => {
      const read = this.#fields();
      if ("wrong" in read) return read.wrong;
      const changes = matchChanges(board, before, read.body);
      if (Object.keys(changes).length === 0) return "Nothing is changed yet.";
      const answer = await api.change(board.match, changes);
      if ("wrong" in answer) return answer.wrong;
      if (changes.lineups) lineups.put(board.match, read.body.lineups);
      saved(answer.body);
      return undefined;
    });
  }

  /** @param {Fields} fields */
  #show(fields) {
    for (const [field, id] of Object.entries(INPUTS)) {
      const value = fields[/** @type {keyof Fields} */ (field)];
      if (typeof value === "boolean") input(id).checked = value;
      else input(id).value = value;
      input(id).removeAttribute("aria-invalid");
    }
    this.#fit();
  }

  /** A second leg has a field for the first leg's score. */
  #fit() {
    byId("first-leg").hidden = input("match-leg").value !== "2";
  }

  /** @param {readonly (keyof Fields)[]} fields that cannot be changed */
  #lock(fields) {
    for (const [field, id] of Object.entries(INPUTS))
      input(id).disabled = fields.includes(/** @type {keyof Fields} */ (field));
  }

  /** The fields of the window as a match; a wrong field is marked, shown and focused. */
  #fields() {
    const fields = /** @type {Fields} */ (
      Object.fromEntries(
        Object.entries(INPUTS).map(([field, id]) => [field, field === "neutral" ? input(id).checked : input(id).value]),
      )
    );
    for (const id of Object.values(INPUTS)) input(id).removeAttribute("aria-invalid");
    const read = readMatch(fields);
    if ("wrong" in read) {
      const wrong = input(INPUTS[read.field]);
      const folded = wrong.closest("details");
      if (folded) folded.open = true;
      wrong.setAttribute("aria-invalid", "true");
      wrong.focus();
    }
    return read;
  }

  // Choosing.

  #readDay() {
    const { now } = this.#with;
    const day = this.#day();
    const reading = this.#days(daysToRead(day, localDay(now()))).then((read) => {
      if (this.#reading !== reading) return;
      this.#read = read;
      this.#list();
    });
    this.#reading = reading;
    this.#read = { matches: [], failed: false };
    byId("matches-list").replaceChildren();
    setText(byId("matches-about"), "Looking for matches …");
  }

  /** @param {readonly string[]} days in UTC @returns {Promise<{matches: Board[], failed: boolean}>} */
  async #days(days) {
    const { reader } = this.#with;
    const read = await Promise.allSettled(
      days.map(async (day) => {
        /** @type {Board[]} */
        const matches = [];
        for (let page = 1; page <= MOST_PAGES; page++) {
          const answer = await reader.day(day, page);
          matches.push(...answer.matches);
          if (!answer.more) break;
        }
        return matches;
      }),
    );
    return {
      matches: read.flatMap((each) => (each.status === "fulfilled" ? each.value : [])),
      failed: read.some((each) => each.status === "rejected"),
    };
  }

  #day() {
    const { value } = input("matches-day");
    return isDay(value) ? value : localDay(this.#with.now());
  }

  #groups() {
    return groupsOf(this.#read.matches, {
      day: this.#day(),
      now: this.#with.now(),
      search: input("match-search").value,
    });
  }

  #list() {
    const { now } = this.#with;
    const groups = this.#groups();
    const searched = input("match-search").value.trim() !== "";
    const none = searched
      ? "No match of this day has that. Enter opens it if it is a match's id."
      : `No match on ${longDate(this.#day())}. Choose another day, or make a match.`;
    const missing = this.#read.failed ? "Not all matches can be read just now. " : "";
    setText(byId("matches-about"), missing + (groups.length ? "" : none));
    byId("matches-list").replaceChildren(
      ...groups.map(({ title, matches }) =>
        el(
          "li",
          {},
          el("h3", {}, title),
          el("ul", { "data-group": title }, ...matches.map((board) => this.#item(board, now()))),
        ),
      ),
    );
  }

  /** @param {Board} board @param {number} now */
  #item(board, now) {
    const { dialogs, open } = this.#with;
    const about = [standingWords(board, now), board.competition ? isolated(board.competition) : ""].filter(Boolean);
    const button = el(
      "button",
      { type: "button", "data-match": board.match },
      el("bdi", {}, board.home),
      " – ",
      el("bdi", {}, board.away),
      el("span", { class: "when" }, about.join(" · ")),
    );
    button.addEventListener("click", () => {
      dialogs.close("matches");
      open(board.match);
    });
    const label = `Edit ${board.home} – ${board.away}`;
    const edit = el("button", { type: "button", class: "edit", "aria-label": label }, "Edit…");
    edit.addEventListener("click", () => {
      dialogs.close("matches");
      void this.edit(board);
    });
    return el("li", {}, button, edit);
  }

  /** Enter in the search: the one match that it finds, or the match with that id. @returns {Promise<string | undefined>} what is wrong */
  async #opened() {
    const text = input("match-search").value.trim();
    if (!text) return "Type a team, a competition or a match's id; or choose a match below.";
    await this.#reading;
    const found = this.#groups().flatMap((group) => group.matches);
    const id = text.toLowerCase();
    const [one] = found;
    if (one && found.length === 1) this.#with.open(one.match);
    else if (isMatchId(id) && (found.length === 0 || found.some((board) => board.match === id))) this.#with.open(id);
    else if (found.length > 1) return `${found.length} matches have that. Choose one, or type more.`;
    else return "No match has that, and it is no match's id: small letters, digits and hyphens, such as wc22-final.";
    return undefined;
  }
}
