/** The pure parts of the operator's desk: tables of what goes in and what comes out. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { isCorrectable, noticesOf, timelineOf } from "../../web/desk/desk.js";
import { readToken } from "../../web/desk/jwt.js";
import { playersOf } from "../../web/desk/lineup.js";
import { expected, phasesAfter, whyNot } from "../../web/desk/match-rules.js";
import { newEntry } from "../../web/desk/outbox.js";
import { Presses } from "../../web/desk/presses.js";
import { reachOf, reachWords } from "../../web/desk/reach.js";
import { deskAt } from "./desk-fakes.mjs";

/** @type {[string, string, boolean][]} */
const RULES = [
  ["kick_off", "scheduled", true],
  ["goal", "scheduled", false],
  ["half_time", "first_half", true],
  ["full_time", "first_half", false],
  ["extra_time", "second_half", true],
  ["shootout_kick", "second_half", true],
  ["shootout_kick", "first_half", false],
  ["goal", "shootout", false],
  ["yellow_card", "shootout", true],
  ["goal", "full_time", true],
  ["var_decision", "full_time", true],
  ["cancellation", "full_time", true],
];
for (const [kind, status, may] of RULES) {
  test(`${kind} in ${status} may${may ? "" : " not"} be entered`, () => assert.equal(whyNot(kind, status) === "", may));
}

/** @param {...any} events */
const pressed = (...events) => {
  /** @type {import("../../web/desk/outbox.js").Entry[]} */
  const entries = [];
  for (const [place, event] of events.entries()) {
    entries.push(newEntry(entries, { id: event.event_id ?? `p${place}`, match: "m", event, pressed: place }));
  }
  return entries;
};
const board = {
  seq: 2,
  status: "first_half",
  score: /** @type {[number, number]} */ ([1, 0]),
  shootout: null,
  events: [
    { kind: "kick_off", seq: 1, event_id: "k", at: 0 },
    { kind: "goal", team: "home", seq: 2, event_id: "g" },
  ],
};

test("the expected board contains each press that is not applied yet, once", () => {
  const goals = pressed(
    { kind: "goal", team: "away" },
    { kind: "half_time" },
    { kind: "goal", team: "home", event_id: "g" },
  );
  const coming = expected(board, goals);
  assert.deepEqual([coming.status, coming.score], ["half_time", [1, 1]]);
  assert.deepEqual(expected(board, pressed({ kind: "cancellation", cancels: "g" })).score, [0, 0]);
  const back = expected(board, pressed({ kind: "half_time", event_id: "h" }, { kind: "cancellation", cancels: "h" }));
  assert.equal(back.status, "first_half");
  const kicks = expected(
    { ...board, status: "second_half" },
    pressed({ kind: "shootout_kick", team: "home", scored: true }),
  );
  assert.deepEqual(
    [kicks.status, kicks.shootout, phasesAfter(kicks.status)],
    ["shootout", [1, 0], ["full_time", "suspended", "abandoned", "awarded"]],
  );
});

/** [status, the kind it should have been, whether it may be cancelled and posted again] @type {[string, string, boolean][]} */
const CORRECTIONS = [
  ["first_half", "own_goal", true],
  ["half_time", "penalty_goal", true],
  ["full_time", "penalty_goal", true],
  ["shootout", "penalty_goal", true],
  ["awarded", "penalty_goal", false],
  ["shootout", "yellow_card", true],
];
for (const sure of [true, false]) {
  for (const [status, kind, may] of CORRECTIONS) {
    test(`a ${kind} in ${status}, the board ${sure ? "sure" : "unsure"}: ${may ? "corrected" : "nothing is taken away"}`, () => {
      const { store, actions } = deskAt({ ...board, status });
      actions.sure = sure;
      const result = actions.correct("g", kind, "home", { player: "A", assist: "", minute: "3", sort: "" });
      const posted = store.entries("m").map((entry) => entry.event.kind);
      assert.deepEqual(posted, may ? ["cancellation", kind] : []);
      assert.equal("entry" in result, may);
      assert.equal(isCorrectable({ kind }), true);
    });
  }
}

/** [what, the goal as it is, the fields as they are in the dialog, what is posted] @type {[string, any, any, any][]} */
const AMENDED = [
  ["another scorer", {}, { player: "B" }, { player: "B" }],
  ["no scorer", {}, { player: " " }, { player: null }],
  ["an assist and a minute", {}, { assist: "C", minute: "45+2" }, { assist: "C", minute: 45, stoppage: 2 }],
  ["a minute without its stoppage", { minute: 45, stoppage: 2 }, { minute: "45" }, { minute: 45 }],
  ["nothing", {}, {}, null],
];
for (const [what, about, fields, changes] of AMENDED) {
  for (const status of ["first_half", "full_time"]) {
    test(`${what} of a goal in ${status}: corrected in place, with what the operator saw`, () => {
      const goal = { kind: "goal", team: "home", seq: 2, event_id: "g", minute: 3, player: "A", ...about };
      const { store, actions } = deskAt({ ...board, status, events: [board.events[0], goal] });
      const shown = { player: "A", assist: "", minute: "3", sort: "" };
      const result = actions.correct("g", "goal", "home", { ...shown, ...fields });
      const posted = store.entries("m").map(({ event: { event_id: _, ...event }, by }) => ({ ...event, by }));
      assert.deepEqual(posted, changes ? [{ kind: "amendment", amends: "g", ...changes, seen: 2, by: "ann" }] : []);
      if (!changes) assert.deepEqual(result, { wrong: "Nothing is changed yet." });
      else if (changes.player) {
        const expected = /** @type {any} */ (actions.expected());
        assert.deepEqual([expected.score, expected.events[1].player], [[1, 0], changes.player]);
      }
      assert.equal(actions.undoable(), null);
    });
  }
}

test("a press that has not left the device is corrected without a trace", () => {
  const { store, actions } = deskAt({ ...board, events: [] });
  const fields = { player: "A", assist: "", minute: "3", sort: "goal" };
  const goal = actions.press("goal", "home", fields);
  assert.ok("entry" in goal);
  actions.correct(goal.entry.id, "goal", "home", { ...fields, player: "B" });
  assert.deepEqual(
    store.entries("m").map(({ state, event }) => [state, event.player]),
    [
      ["cancelled", "A"],
      ["kept", "B"],
    ],
  );
});

test("the timeline shows an applied correction in its event, and a pending one as a correction", () => {
  const goal = { kind: "goal", team: "home", seq: 2, event_id: "g", at: 0, player: "B", minute: 3, amended_by: 3 };
  const amendment = { kind: "amendment", seq: 3, event_id: "a", amends: "g", amends_seq: 2, player: "B", at: 1 };
  const known = /** @type {any} */ ({ ...board, seq: 3, events: [board.events[0], goal, amendment] });
  const [coming, row, ...rest] = timelineOf(known, pressed({ kind: "amendment", amends: "g", player: "C" }), {
    why: "nothing",
  });
  assert.deepEqual([coming?.what, coming?.stands], ["Correction: Goal", false]);
  assert.deepEqual([row?.event.kind, row?.who, row?.note], ["goal", "\u2068B\u2069", "Corrected."]);
  assert.equal(rest.length, 1);
});

test("undo pressed twice undoes one press; a second one is meant after two seconds", () => {
  const { store, clock, actions } = deskAt();
  const states = () => store.entries("m").map((entry) => entry.state);
  actions.whistle("kick_off");
  clock.now = 3000;
  actions.whistle("half_time");
  clock.now = 3100;
  assert.notEqual(actions.undo(), "echo");
  clock.now = 3250;
  assert.equal(actions.undo(), "echo");
  assert.deepEqual(states(), ["kept", "cancelled"]);
  clock.now = 5300;
  assert.notEqual(actions.undo(), "echo");
  assert.deepEqual(states(), ["cancelled", "cancelled"]);
});

test("after a video review takes an event back, neither the decision nor the event can be undone", () => {
  const { store, clock, actions } = deskAt();
  const goal = actions.press("goal", "home", { player: "", assist: "", minute: "3", sort: "goal" });
  assert.ok("entry" in goal);
  store.put({ ...goal.entry, state: "applied", seq: 2, tries: 1 });
  clock.now = 1000;
  assert.equal(actions.undoable()?.entry.id, goal.entry.id);
  actions.review({ decision: "goal_disallowed", minute: "4", about: goal.entry.id, team: "home" }, "Offside");
  assert.deepEqual(
    store.entries("m").map((entry) => entry.event.kind),
    ["goal", "var_decision", "cancellation"],
  );
  assert.equal(actions.undoable(), null);
});

test("a press and its cancellation have the epoch in which they were pressed", () => {
  const { store, actions } = deskAt({ ...board, epoch: "k1" });
  const result = actions.whistle("half_time");
  assert.ok("entry" in result);
  store.put({ ...result.entry, state: "sent", tries: 1 });
  actions.undo();
  assert.deepEqual(
    store.entries("m").map((entry) => [entry.event.kind, entry.epoch]),
    [
      ["half_time", "k1"],
      ["cancellation", "k1"],
    ],
  );
  store.settleEpoch("m", "k2");
  actions.board = /** @type {any} */ ({ ...board, epoch: "k2", seq: 0, status: "scheduled", events: [] });
  assert.equal(actions.expected()?.status, "scheduled");
});

test("an event that the board counts is not counted again, even if the board's events begin later", () => {
  const [goal] = pressed({ kind: "goal", team: "home" });
  const cut = { ...board, events: [], home: "A", away: "B" };
  for (const [seq, score, rows] of /** @type {[number, [number, number], number][]} */ ([
    [2, [1, 0], 0],
    [3, [2, 0], 1],
  ])) {
    const applied = [{ .../** @type {any} */ (goal), state: "applied", seq }];
    assert.deepEqual(expected(cut, applied).score, score);
    assert.equal(timelineOf(/** @type {any} */ (cut), applied, { why: "nothing" }).length, rows);
  }
});

test("players are those of their side, the one named last first; an own goal is by the other side's", () => {
  const events = [
    { kind: "goal", team: "home", player: "A", assist: "B" },
    { kind: "own_goal", team: "home", player: "X" },
    { kind: "substitution", team: "home", player_on: "C", player_off: "a" },
  ];
  assert.deepEqual(playersOf("home", events), ["C", "a", "B"]);
  assert.deepEqual(playersOf("away", events), ["X"]);
});

/** @param {Partial<import("../../web/desk/reach.js").Receipt>} about */
const receipt = (about) => ({
  cell: "us-east-1",
  prev: 4,
  seq: 5,
  accepted: 10,
  failed: 0,
  skipped: 0,
  set_aside: 0,
  started: 1100,
  ms: 600,
  ...about,
});

/** The receipt of a cell whose transport broadcasts. @param {object} about */
const published = (about) => ({
  prev: 4,
  seq: 5,
  transport: "appsync-events",
  due_at: 1050,
  published: [
    { feed: "all", taken_at: 1200 },
    { feed: "score", taken_at: 1150 },
  ],
  refused: [],
  ...about,
});

/** @type {[string, any[], any, string][]} */
const REACHES = [
  ["one cell", [receipt({ accepted: 12345 })], null, "Told 12,345 viewers in 0.7 s."],
  ["one viewer", [receipt({ accepted: 1 })], null, "Told 1 viewer in 0.7 s."],
  ["nobody", [receipt({ accepted: 0 })], null, "Nobody was there to be told."],
  ["a frame of several events", [receipt({ prev: 2, seq: 9 })], null, "Told 10 viewers in 0.7 s."],
  ["another event's receipt", [receipt({ prev: 5, seq: 6 })], null, "Viewers are being told …"],
  [
    "two cells",
    [receipt({}), receipt({ cell: "eu-west-1", ms: 700 })],
    null,
    "Told 20 viewers in 0.8 s (us-east-1 0.7 s, eu-west-1 0.8 s).",
  ],
  [
    "a cell that is not through",
    [receipt({})],
    { cells: { "eu-west-1": { running: true, broadcast: { seq: 5, accepted: 3 } } } },
    "13 viewers told so far …",
  ],
  [
    "some not reached",
    [receipt({ failed: 2, skipped: 3 })],
    null,
    "Told 10 viewers in 0.7 s. 3 follow only the score. 2 could not be told.",
  ],
  ["nothing yet", [], null, "Viewers are being told …"],
  [
    "a cell that broadcasts",
    [published({ cell: "us-east-1" })],
    null,
    "Published in 0.2 s. Viewers are not counted in us-east-1.",
  ],
  [
    "a cell that broadcasts beside another",
    [receipt({}), published({ cell: "events" })],
    { cells: { "us-east-1": {}, events: {} } },
    "Told 10 viewers in 0.7 s (us-east-1 0.7 s, events 0.2 s). Viewers are not counted in events.",
  ],
];
for (const [what, receipts, progress, words] of REACHES) {
  test(`the number of viewers told: ${what}`, () =>
    assert.equal(reachWords(reachOf(5, 1000, receipts, progress, ["us-east-1"])), words));
}

test("an echo is a press within two seconds of the last one, however many there are", () => {
  const presses = new Presses();
  const counted = [0, 500, 1900, 3000, 6000].map((now) => presses.counts("goal", now));
  assert.deepEqual(counted, [true, false, false, false, true]);
  assert.ok(presses.counts("other", 6000));
  presses.forget("goal");
  assert.ok(presses.counts("goal", 6001));
});

test("a token has an expiry time, and an invalid token has none", () => {
  const part = (/** @type {object} */ about) => Buffer.from(JSON.stringify(about)).toString("base64url");
  assert.deepEqual(readToken(`e30.${part({ exp: 10, sub: "ü" })}.c2ln`), { ends: 10_000, subject: "ü", name: "ü" });
  for (const text of ["", "a.b", "a.b.c", "e30.e3.x", "a b.c.d"]) assert.equal(readToken(text), null);
});

/** [what the token says, the name that the desk shows] @type {[object, string | null][]} */
const NAMES = [
  [{ sub: "u1", name: "Ann Lee", username: "ann", email: "ann@example.org" }, "Ann Lee"],
  [{ sub: "u1", username: "ann" }, "ann"],
  [{ sub: "u1", "cognito:username": "ann" }, "ann"],
  [{ sub: "u1", username: "u1", email: "ann@example.org" }, "ann@example.org"],
  [{ sub: "u1", name: "  ", email: 5 }, "u1"],
  [{ sub: "u1", name: "A\u202enn\u0000" }, "Ann"],
  [{}, null],
];
for (const [claims, name] of NAMES) {
  test(`the claims ${JSON.stringify(claims)} name ${name}`, () => {
    const token = `e30.${Buffer.from(JSON.stringify(claims)).toString("base64url")}.c2ln`;
    assert.equal(readToken(token)?.name, name);
  });
}

test("pending entries are on top, with the reason why they wait", () => {
  const entries = pressed({ kind: "goal", team: "home", minute: 3 }, { kind: "goal", team: "away", minute: 4 });
  const rows = timelineOf(/** @type {any} */ ({ ...board, home: "A", away: "B" }), entries, { why: "offline" });
  assert.deepEqual(
    rows.map((row) => row.team),
    ["B", "A", "A", ""],
  );
  assert.match(rows[1]?.note ?? "", /offline/);
  assert.match(rows[0]?.note ?? "", /after the one before it/);
});

test("sentences are shown only while they are true", () => {
  const calm = {
    entries: [],
    holdup: /** @type {const} */ ({ why: "nothing" }),
    durable: true,
    token: "",
    online: true,
    connection: { state: "open" },
    clock: "",
  };
  assert.deepEqual(noticesOf(calm), []);
  const all = noticesOf({
    ...calm,
    entries: pressed({ kind: "goal" }),
    durable: false,
    token: "None.",
    online: false,
    connection: { state: "refused" },
    clock: "Fast.",
  });
  assert.deepEqual(
    all.map((each) => each.id),
    ["offline", "token", "storage", "live", "clock"],
  );
});

test("another desk's goal counts as seen after 1.5 s on the board", () => {
  const { clock, actions } = deskAt({ ...board, match: "m", epoch: "k" });
  const seen = () => {
    const pressed = actions.press("goal", "home", { player: "", assist: "", minute: "3", sort: "goal" });
    return "entry" in pressed ? pressed.entry.event.seen : pressed;
  };
  assert.equal(seen(), 2);
  clock.now = 10_000;
  actions.board = /** @type {any} */ ({ ...board, match: "m", epoch: "k", seq: 3 });
  clock.now = 10_250;
  assert.equal(seen(), 2);
  clock.now = 12_500;
  assert.equal(seen(), 3);
});

test("a correction to the other team right after another correction is posted whole", () => {
  const { store, clock, actions } = deskAt(board);
  actions.correct("g", "goal", "home", { player: "New", assist: "", minute: "3", sort: "goal" });
  clock.now = 1000;
  const second = actions.correct("g", "goal", "away", { player: "New", assist: "", minute: "3", sort: "goal" });
  assert.ok("entry" in second, JSON.stringify(second));
  const kinds = store.entries("m").map((entry) => entry.event.kind);
  assert.deepEqual(kinds, ["amendment", "cancellation", "goal"]);
});

test("two different corrections of one event within two seconds are both posted, the same one twice is one", () => {
  const { store, actions } = deskAt(board);
  const fields = { player: "", assist: "", minute: "3", sort: "goal" };
  actions.correct("g", "goal", "home", { ...fields, player: "A" });
  assert.ok("entry" in actions.correct("g", "goal", "home", { ...fields, player: "B" }));
  assert.ok("wrong" in actions.correct("g", "goal", "home", { ...fields, player: "B" }));
  assert.deepEqual(
    store.entries("m").map((entry) => entry.event.player),
    ["A", "B"],
  );
});

test("two players of a team who are booked within two seconds are two presses, a bounce of one is not", () => {
  const { store, actions } = deskAt(board);
  const fields = { player: "", assist: "", minute: "3", sort: "goal" };
  for (const player of ["A", "", "B", "B", ""]) actions.press("yellow_card", "home", { ...fields, player });
  for (const on of ["C", "D", "D"]) actions.substitute("home", { on, off: "E", minute: "3" });
  assert.deepEqual(
    store.entries("m").map(({ event }) => event.player ?? event.player_on),
    ["A", "B", "C", "D"],
  );
});

test("a name that is pressed after a goal without a scorer becomes its scorer, and only once", () => {
  const { store, clock, actions } = deskAt(board);
  const fields = { player: "", assist: "X", minute: "3", sort: "own_goal" };
  actions.press("goal", "home", fields);
  assert.equal(actions.nameless()?.side, "away");
  const goal = store.entries("m")[0];
  store.put({ .../** @type {any} */ (goal), tries: 1, state: "sent" });
  actions.name("A");
  assert.equal(actions.nameless(), null);
  assert.equal(actions.name("B"), null);
  const [, amendment] = store.entries("m");
  assert.deepEqual(
    [amendment?.event.amends, amendment?.event.player, amendment?.event.minute],
    [goal?.id, "A", undefined],
  );
  clock.now = 5000;
  actions.press("goal", "home", { ...fields, player: "C", sort: "goal" });
  assert.equal(actions.nameless(), null);
  actions.press("red_card", "away", fields);
  assert.equal(actions.nameless()?.side, "away");
  clock.now = 5000 + 61_000;
  assert.equal(actions.nameless(), null);
});

test("a pressed name belongs neither to a press that was taken back nor to one that another press followed", () => {
  const { clock, actions } = deskAt(board);
  const fields = { player: "", assist: "", minute: "3", sort: "goal" };
  actions.press("goal", "home", fields);
  actions.undo();
  assert.equal(actions.nameless(), null);
  clock.now = 3000;
  actions.press("goal", "home", fields);
  actions.whistle("half_time");
  assert.equal(actions.nameless(), null);
});

/** [what, the fields of the window, what is posted or the sentence] @type {[string, any, any][]} */
const CHANGES = [
  ["the player who comes on, known later", { on: "A" }, { player_on: "A" }],
  ["a minute", { minute: "46" }, { minute: 46 }],
  ["a name that is taken away", { off: "" }, /taken away/],
  ["a minute that is taken away", { minute: "?" }, /taken away/],
];
for (const [what, fields, changes] of CHANGES) {
  test(`a substitution is corrected in place: ${what}`, () => {
    const change = { kind: "substitution", team: "home", seq: 3, event_id: "s", minute: 45, player_off: "B" };
    const { store, actions } = deskAt({ ...board, seq: 3, events: [...board.events, change] });
    const result = actions.correctSubstitution("s", "home", { on: "", off: "B", minute: "45", ...fields });
    const [posted] = store.entries("m").map(({ event: { event_id: _, seen: __, ...event } }) => event);
    if (changes instanceof RegExp) assert.ok("wrong" in result && changes.test(result.wrong) && !posted);
    else assert.deepEqual(posted, { kind: "amendment", amends: "s", ...changes });
  });
}

/** [what, sure, the minute entered, whether it is late] @type {[string, boolean, string, boolean][]} */
const ENTERED = [
  ["after a later minute", true, "20", true],
  ["after an earlier minute", true, "41", false],
  ["in the stoppage time after it", true, "45+1", false],
  ["without a minute", true, "?", false],
  ["while the board may be old", false, "41", true],
];
for (const [what, sure, minute, late] of ENTERED) {
  test(`a goal entered ${what} is ${late ? "late: it does not set the clock" : "not late"}`, () => {
    const events = [
      { kind: "kick_off", seq: 1, event_id: "k", at: 0 },
      { kind: "yellow_card", team: "home", minute: 40, seq: 2, event_id: "y", at: 1 },
      { kind: "yellow_card", team: "home", minute: 44, seq: 3, event_id: "z", at: 2, cancelled_by: 4 },
    ];
    const { store, actions } = deskAt({ ...board, seq: 4, events });
    actions.sure = sure;
    actions.press("goal", "home", { player: "", assist: "", minute, sort: "goal" });
    assert.equal(store.entries("m")[0]?.event.late, late || undefined);
  });
}
