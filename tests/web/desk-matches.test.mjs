/** The matches of the operator's desk: the list to choose from, the form, the line-ups that people paste. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { MOST_NAMES, playersWith, readLineup } from "../../web/desk/lineup.js";
import { MatchBoard } from "../../web/desk/match-board.js";
import { fieldsOf, kickoffOf, matchChanges, newMatch, readMatch } from "../../web/desk/match-form.js";
import { daysToRead, groupsOf, isFound, standingWords } from "../../web/desk/match-list.js";
import { OperatorsApi } from "../../web/desk/operators-api.js";

const NOW = new Date(2026, 10, 28, 21, 0).getTime();
const HOUR = 3600_000;

/** @param {string} match @param {string} status @param {number | string} kickoff hours from now, or a day @param {object} [about] */
const board = (match, status, kickoff, about = {}) =>
  /** @type {any} */ ({
    match,
    status,
    epoch: "k",
    seq: 1,
    home: "Home",
    away: "Away",
    score: [2, 1],
    kickoff: typeof kickoff === "string" ? kickoff : new Date(NOW + kickoff * HOUR).toISOString(),
    ...about,
  });

const MATCHES = [
  board("over-early", "full_time", -5),
  board("over-late", "awarded", -3),
  board("live-late", "suspended", -1),
  board("next-late", "scheduled", 20),
  board("live-early", "second_half", -2),
  board("next-open", "postponed", "2026-11-28"),
  board("next-soon", "scheduled", 1),
  board("overdue", "scheduled", -1.5),
  board("long-ago", "scheduled", -20),
  board("not-played", "called_off", -4),
];

test("live matches come first, then the next ones, then the finished ones, the latest first", () => {
  const groups = groupsOf(MATCHES, { day: "2026-11-28", now: NOW });
  assert.deepEqual(
    groups.map(({ title, matches }) => [title, ...matches.map(({ match }) => match)]),
    [
      ["Live", "live-early", "live-late"],
      ["Next", "overdue", "next-soon", "next-open", "next-late"],
      ["Over", "over-late", "not-played", "over-early"],
    ],
  );
});

test("another day shows only its own matches, and a match on the lists of two UTC days once", () => {
  const day = "2026-11-29";
  const tomorrow = board("t", "scheduled", day);
  const groups = groupsOf([...MATCHES, tomorrow, tomorrow], { day, now: NOW });
  assert.deepEqual(
    groups.map(({ matches }) => matches.map(({ match }) => match)),
    [["next-late", "t"]],
  );
  assert.ok(daysToRead("2026-11-28", "2026-11-28").includes("2026-11-27"));
  assert.ok(daysToRead("2026-11-28", "2026-11-28").includes("2026-11-29"));
  assert.ok(daysToRead("2026-12-05", "2026-11-28").length <= 2);
});

test("a search finds teams, competitions and ids, and ignores accents and capitals", () => {
  const match = board("ucl-26", "scheduled", 1, {
    home: "Atlético Madrid",
    away: "FC København",
    competition: "Champions League",
  });
  for (const text of ["atletico", "køben", "champions madrid", "ucl-26", " ", "MADRID"])
    assert.ok(isFound(match, text), text);
  assert.ok(!isFound(match, "madrid liverpool"));
  assert.deepEqual(groupsOf([match], { day: "2026-11-28", now: NOW, search: "liverpool" }), []);
});

/** @type {[any, RegExp][]} */
const WORDS = [
  [board("m", "suspended", -1), /^2–1, Suspended|^2–1, suspended/],
  [board("m", "scheduled", "2026-11-29"), /^Tomorrow, time not known yet$/],
  [board("m", "scheduled", 1), /^\d\d:\d\d/],
  [board("m", "postponed", "2026-11-28"), /^[Pp]ostponed, time not known yet$/],
  [board("m", "full_time", -3), /^2–1, Full time$/],
  [board("m", "second_half", -1, { clock: { minute: 66, stoppage: null, at: NOW } }), /^2–1, 66′$/],
];
for (const [match, words] of WORDS) {
  test(`in the list a match that is ${match.status} says ${words}`, () =>
    assert.match(standingWords(match, NOW), words));
}

const NONE = { home: [], away: [] };
const FIELDS = { ...fieldsOf({}, NONE), home: "Ajax", away: "Feyenoord", day: "2026-11-28" };

/** [what, fields, what is posted] @type {[string, object, object][]} */
const MADE = [
  ["two teams and a day", {}, { home: "Ajax", away: "Feyenoord", kickoff: "2026-11-28" }],
  ["no teams yet", { home: " ", away: "" }, { home: "To be decided", away: "To be decided", kickoff: "2026-11-28" }],
  [
    "all there is",
    {
      competition: "Cup",
      neutral: true,
      leg: "2",
      firstHome: "1",
      firstAway: "0",
      half: "35",
      extraHalf: "10",
      id: "Cup-1",
      homeLineup: "1 Ann\n2 Bob",
    },
    {
      home: "Ajax",
      away: "Feyenoord",
      kickoff: "2026-11-28",
      competition: "Cup",
      neutral: true,
      leg: 2,
      first_leg: [1, 0],
      half_minutes: 35,
      extra_half_minutes: 10,
      match: "cup-1",
      lineups: { home: ["Ann", "Bob"], away: [] },
    },
  ],
];
for (const [what, fields, body] of MADE) {
  test(`a new match with ${what} is posted in the API's form, without default values`, () => {
    const read = readMatch({ ...FIELDS, ...fields });
    assert.ok("body" in read, JSON.stringify(read));
    assert.deepEqual(newMatch(read.body), body);
  });
}

/** [fields, the one that is wrong] @type {[object, string][]} */
const WRONG = [
  [{ day: "" }, "day"],
  [{ day: "2026-02-30" }, "day"],
  [{ home: "AJAX", away: "Ajax" }, "away"],
  [{ home: "x".repeat(81) }, "home"],
  [{ leg: "2", firstHome: "1" }, "firstAway"],
  [{ leg: "2", firstHome: "a", firstAway: "1" }, "firstHome"],
  [{ half: "61" }, "half"],
  [{ half: "0" }, "half"],
  [{ extraHalf: "21" }, "extraHalf"],
  [{ id: "a--b" }, "id"],
  [{ id: "x".repeat(21) }, "id"],
  [
    {
      awayLineup: Array.from(
        { length: MOST_NAMES + 1 },
        (_, place) => `Player ${"abcdefghij"[place % 10]}${"klmno"[Math.floor(place / 10)]}`,
      ).join("\n"),
    },
    "awayLineup",
  ],
];
for (const [fields, field] of WRONG) {
  test(`a match with ${JSON.stringify(fields).slice(0, 60)} is refused for its ${field}, in a sentence`, () => {
    const read = readMatch({ ...FIELDS, ...fields });
    assert.ok("wrong" in read, JSON.stringify(read));
    assert.equal(read.field, field);
    assert.match(read.wrong, /^[A-Z].*\.$/);
  });
}

test("a kick-off is a moment with the offset of this device, or a day without a time", () => {
  assert.equal(kickoffOf("2026-11-28", ""), "2026-11-28");
  const kickoff = kickoffOf("2026-07-01", "20:45");
  assert.match(kickoff, /^2026-07-01T20:45:00[+-]\d\d:\d\d$/);
  assert.equal(Date.parse(kickoff), new Date(2026, 6, 1, 20, 45).getTime());
});

test("saving a match without an edit changes nothing", () => {
  const match = board("m", "scheduled", 1, {
    neutral: true,
    leg: 2,
    first_leg: [1, 1],
    half_minutes: 40,
    extra_half_minutes: 15,
    competition: "Cup",
  });
  const lineups = { home: ["Ann"], away: ["Bob"] };
  const read = readMatch(fieldsOf(match, lineups));
  assert.ok("body" in read, JSON.stringify(read));
  assert.deepEqual(matchChanges(match, lineups, read.body), {});
});

/** [what, status, the fields that are edited, what is patched] @type {[string, string, object, object][]} */
const CHANGES = [
  ["the opponent is known now", "scheduled", { away: "Lyon" }, { away: "Lyon" }],
  ["the time is not known any more", "postponed", { time: "" }, { kickoff: "2026-11-28" }],
  ["it is no tie any more", "scheduled", { leg: "" }, { leg: null, first_leg: null }],
  ["other halves and ground", "scheduled", { half: "35", neutral: true }, { neutral: true, half_minutes: 35 }],
  [
    "line-ups once it is played, and nothing else",
    "second_half",
    { homeLineup: "Ann, Bob", home: "X" },
    { lineups: { home: ["Ann", "Bob"], away: [] } },
  ],
];
for (const [what, status, fields, changes] of CHANGES) {
  test(`an edited match is patched with the differences only: ${what}`, () => {
    const match = board("m", status, 1, { leg: 2, first_leg: [0, 2] });
    const read = readMatch({ ...fieldsOf(match, NONE), ...fields });
    assert.ok("body" in read, JSON.stringify(read));
    assert.deepEqual(matchChanges(match, NONE, read.body), changes);
  });
}

const TEN = ["Emiliano Martínez", "Nahuel Molina", "Cristian Romero"];
/** [how it was pasted, the text, the names] @type {[string, string, string[]][]} */
const PASTED = [
  ["a name a line", TEN.join("\n"), TEN],
  ["with Windows line ends and empty lines", `\r\n${TEN.join("\r\n\r\n")}\r\n`, TEN],
  ["with commas", TEN.join(", "), TEN],
  ["with semicolons and a full stop at the end", `${TEN.join("; ")}`, TEN],
  ["with numbers", TEN.map((name, place) => `${place + 1} ${name}`).join("\n"), TEN],
  ["with numbers and dots", TEN.map((name, place) => `${place + 21}. ${name}`).join("\n"), TEN],
  ["with numbers and dashes", TEN.map((name, place) => `#${place + 1} - ${name}`).join("\n"), TEN],
  ["with numbers behind", TEN.map((name, place) => `${name} ${place + 1}`).join(", "), TEN],
  ["from a spreadsheet", TEN.map((name, place) => `${place + 1}\t${name}\tDF`).join("\n"), TEN],
  [
    "with positions, formation and captain",
    "4-3-3\nGK Emiliano Martínez (C)\nNahuel Molina (DF)\nCristian Romero",
    TEN,
  ],
  ["with headings", "Starting XI: Emiliano Martínez, Nahuel Molina\nSubstitutes: Cristian Romero", TEN],
  ["with dashes between lines of the team", "Emiliano Martínez – Nahuel Molina, Cristian Romero", TEN],
  ["with substitutes in brackets", "Emiliano Martínez, Nahuel Molina (64' Cristian Romero)", TEN],
  ["with no-break spaces and bullets", TEN.map((name) => `•\u00a0${name.replace(" ", "\u00a0")}`).join("\n"), TEN],
  ["twice", [...TEN, TEN[0]?.toUpperCase()].join("\n"), TEN],
  [
    "names with hyphens, apostrophes and particles",
    "Trent Alexander-Arnold\nN'Golo Kanté\nVirgil van Dijk",
    ["Trent Alexander-Arnold", "N'Golo Kanté", "Virgil van Dijk"],
  ],
  ["one-word names", "7 Son, 10 Pelé; 9 Kane", ["Son", "Pelé", "Kane"]],
  ["in Arabic, with its comma and digits", "١ محمد صلاح، ٢ أحمد حجازي", ["محمد صلاح", "أحمد حجازي"]],
  ["with the captain's mark behind the number", "Kleindienst 11 c\nScally 29", ["Kleindienst", "Scally"]],
  ["in Japanese", "三笘薫、久保建英", ["三笘薫", "久保建英"]],
  ["nothing", " \n , ", []],
];
for (const [how, text, names] of PASTED) {
  test(`a line-up pasted ${how}`, () => assert.deepEqual(readLineup(text), { names }));
}

test("names keep their places in the line-up; other names from events follow", () => {
  assert.deepEqual(playersWith(["A", "B"], ["C", "b", "D"]), ["A", "B", "C", "D"]);
});

test("a snapshot with the same events renews the names of the teams, an older one does not", () => {
  const known = new MatchBoard();
  known.live(board("m", "scheduled", 1, { seq: 3, events: [] }));
  assert.ok(known.renew(board("m", "scheduled", 1, { seq: 3, home: "Lyon" })));
  assert.equal(known.board?.home, "Lyon");
  assert.equal(known.renew(board("m", "scheduled", 1, { seq: 2, home: "Old" })), false);
  assert.equal(known.board?.home, "Lyon");
  // The live connection keeps the old name until a snapshot brings another one.
  known.live(board("m", "first_half", 1, { seq: 4, events: [] }));
  assert.equal(known.board?.home, "Lyon");
  known.renew(board("m", "first_half", 1, { seq: 4, home: "Home" }));
  known.live(board("m", "first_half", 1, { seq: 5, events: [] }));
  assert.equal(known.board?.home, "Home");
  known.live(board("m", "first_half", 1, { seq: 6, home: "Nice", events: [] }));
  assert.equal(known.board?.home, "Nice");
});

/** [what the API answers, what the operator reads] @type {[string, () => Promise<any>, RegExp | null][]} */
const ANSWERS = [
  ["201", async () => Response.json({ match: "m" }, { status: 201 }), null],
  [
    "409",
    async () => Response.json({ error: { code: "match_exists", message: "m exists" } }, { status: 409 }),
    /another id/,
  ],
  [
    "422",
    async () => Response.json({ error: { code: "invalid", message: "A team cannot play itself." } }, { status: 422 }),
    /play itself/,
  ],
  ["403 of API Gateway", async () => Response.json({ message: "Forbidden" }, { status: 403 }), /does not let you/],
  ["401", async () => Response.json({ message: "Unauthorized" }, { status: 401 }), /Sign in/],
  ["503", async () => new Response("no", { status: 503 }), /trouble/],
  ["a page of a hotel", async () => new Response("<html>", { status: 200 }), /answered 200/],
  ["nothing", async () => Promise.reject(new TypeError("Failed to fetch")), /not known whether/],
];
for (const [what, fetch, wrong] of ANSWERS) {
  test(`creating a match that is answered with ${what} gives a sentence or the match`, async () => {
    /** @type {string[]} */
    const refused = [];
    const tokens = { current: async () => "t", refused: (/** @type {string} */ token) => void refused.push(token) };
    const answer = await new OperatorsApi({ fetch, base: "/operators", tokens }).create({});
    if (wrong) assert.ok("wrong" in answer && wrong.test(answer.wrong), JSON.stringify(answer));
    else assert.ok("body" in answer && answer.body.match === "m");
    assert.equal(refused.length, what === "401" ? 1 : 0);
  });
}
