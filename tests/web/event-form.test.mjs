/** The forms of the desk: what stands in the fields, and the event that is posted. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { interruption, readMinute, readName, substitution, teamEvent } from "../../web/desk/event-form.js";
import { interruptionsOf, whistlesOf } from "../../web/desk/interruptions.js";
import { deskAt } from "./desk-fakes.mjs";

/** @type {[string, {minute: number, stoppage?: number} | null][]} */
const MINUTES = [
  ["23", { minute: 23 }],
  [" 45 + 2 ", { minute: 45, stoppage: 2 }],
  ["90+4′", { minute: 90, stoppage: 4 }],
  ["0", { minute: 0 }],
  ["120+1", { minute: 120, stoppage: 1 }],
  ["121", null],
  ["44+1", null],
  ["45+0", null],
  ["45+31", null],
  ["-1", null],
  ["half", null],
];
for (const [text, when] of MINUTES) {
  test(`a minute typed as "${text}"`, () => {
    const read = readMinute(text);
    if (when) assert.deepEqual(read, when);
    else assert.ok("wrong" in read && read.wrong.endsWith("."));
  });
}
for (const text of ["", "  ", "?", " ? ", "-", "–"]) {
  test(`a minute typed as "${text}" is not known`, () => assert.deepEqual(readMinute(text), {}));
}
for (const [text, when] of /** @type {[string, {minute: number, stoppage?: number} | null][]} */ ([
  ["35+2", { minute: 35, stoppage: 2 }],
  ["70+1", { minute: 70, stoppage: 1 }],
  ["80+1", { minute: 80, stoppage: 1 }],
  ["90+4", { minute: 90, stoppage: 4 }],
  ["45+2", null],
  ["91", null],
])) {
  test(`in two halves of 35 and two of 10 minutes, the minute ${text}`, () => {
    const read = readMinute(text, { half_minutes: 35, extra_half_minutes: 10 });
    if (when) assert.deepEqual(read, when);
    else assert.ok("wrong" in read && /35|90/.test(read.wrong));
  });
}

test("a substitution names the known players, or says that nobody comes on", () => {
  const change = { kind: "substitution", team: "home" };
  const fields = { on: "", off: "", minute: "" };
  assert.deepEqual(substitution("home", fields), change);
  assert.deepEqual(substitution("home", { ...fields, on: "A" }), { ...change, player_on: "A" });
  assert.deepEqual(substitution("home", { ...fields, on: "A", off: "B", nobody: true, minute: "70" }), {
    ...change,
    minute: 70,
    player_off: "B",
    no_replacement: true,
  });
});

test("a card may be for the bench, nothing else may", () => {
  const fields = { player: "Coach", minute: "?", bench: true };
  assert.deepEqual(teamEvent("red_card", "home", fields), {
    kind: "red_card",
    team: "home",
    player: "Coach",
    bench: true,
  });
  assert.ok(!("bench" in teamEvent("goal", "home", fields)));
});

test("an interruption has a reason if one is given, an award its score", () => {
  assert.deepEqual(interruption("suspended", { reason: " Fog " }), { kind: "suspended", reason: "Fog" });
  assert.deepEqual(interruption("abandoned", { reason: "" }), { kind: "abandoned" });
  const award = { reason: "Forfeit", home: "3", away: " 0" };
  assert.deepEqual(interruption("awarded", award), { kind: "awarded", score: [3, 0], reason: "Forfeit" });
  for (const away of ["", "x", "-1", "100", "1.5"])
    assert.ok("wrong" in interruption("awarded", { ...award, away }), away);
});

test("whistles are the phases of every match; the rare phases are kept apart from them", () => {
  const phases = ["half_time", "suspended", "abandoned", "awarded"];
  assert.deepEqual(
    [whistlesOf(phases), interruptionsOf(phases)],
    [["half_time"], ["suspended", "abandoned", "awarded"]],
  );
  assert.deepEqual([whistlesOf(["awarded"]), whistlesOf(["resumed", "abandoned"])], [[], ["resumed"]]);
});

test("a name is read by the rule of the API, and is not cut", () => {
  assert.deepEqual(readName(" Ángel\u00a0Di\u200b María "), { name: "Ángel Di María" });
  assert.deepEqual(readName("علی\u200cرضا"), { name: "علی\u200cرضا" });
  assert.deepEqual(readName(" \u00a0"), {});
  assert.deepEqual(readName("x".repeat(81)), { wrong: "A name must have 80 characters at most, and has 81." });
  assert.deepEqual(readName("A\u202e"), { wrong: "A name must not contain a bidirectional control (U+202E)." });
});

test("a reason is read like a name, and nothing is posted with a reason that the API would refuse", () => {
  const { actions: desk, store } = deskAt();
  const taken = desk.cancel("g1", "Offside\u00a0: no\u202fgoal ");
  assert.ok("entry" in taken);
  assert.deepEqual(taken.entry.event.reason, "Offside : no goal");
  const wrong = "The reason must not contain a line break (U+000A).";
  assert.deepEqual(desk.cancel("g2", "Off\nside"), { wrong });
  assert.deepEqual(desk.review({ decision: "goal_disallowed", minute: "3", about: "g2" }, "Off\nside"), { wrong });
  assert.equal(store.entries("m").length, 1);
});

test("an event has the values of the fields, without empty ones", () => {
  const fields = { player: "A", assist: "B", minute: "45+1" };
  const goal = { kind: "goal", team: "home", minute: 45, stoppage: 1, player: "A", assist: "B" };
  assert.deepEqual(teamEvent("goal", "home", fields), goal);
  assert.deepEqual(teamEvent("own_goal", "away", { ...fields, minute: "3" }), {
    kind: "own_goal",
    team: "away",
    minute: 3,
    player: "A",
  });
  assert.deepEqual(teamEvent("red_card", "away", { player: "", minute: "3" }), {
    kind: "red_card",
    team: "away",
    minute: 3,
  });
  assert.deepEqual(substitution("home", { on: "A", off: "A", minute: "3" }), {
    wrong: "A player cannot come on for himself.",
    field: "off",
  });
});
