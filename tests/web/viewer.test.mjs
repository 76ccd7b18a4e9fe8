// @ts-check
/** The viewer's page without a page: what is newer, in what order, on which day, in which words. */

import assert from "node:assert/strict";
import { test } from "node:test";

process.env.TZ = "Asia/Tokyo";

const { isOutdated, joined, newsBetween } = await import("../../web/boards.js");
const { isDay, localDay, shifted, utcDays } = await import("../../web/day.js");
const { grouped, isOn, toFollow } = await import("../../web/viewer/groups.js");
const { kicksOf, momentsOf, scorersOf } = await import("../../web/viewer/moments.js");
const { ageWords, announcement, connectionWords, viewersWords, whyCancelled, wrongClock } = await import(
  "../../web/words.js"
);

/** @typedef {import("../../web/boards.js").Board} Board */
/** @typedef {import("../../web/words.js").Event} Event */

/** @param {number} seq @param {string} kind @param {Partial<Event>} [more] @returns {Event} */
const event = (seq, kind, more = {}) => ({ seq, kind, at: seq * 1000, ...more });

/** @param {Partial<Board>} more @returns {Board} */
const board = (more) => ({
  match: "m",
  epoch: "e",
  seq: 0,
  status: "first_half",
  home: "Home",
  away: "Away",
  score: [0, 0],
  ...more,
});

test("an older account never replaces a newer one, and its events are kept where none is missing between", () => {
  const older = board({ seq: 2, events: [event(1, "kick_off"), event(2, "goal")] });
  const newer = board({ seq: 4, score: [1, 0], events: [event(3, "yellow_card"), event(4, "goal")] });
  for (const both of [joined(older, newer), joined(newer, older)]) {
    assert.equal(both.seq, 4);
    assert.deepEqual(
      both.events?.map(({ seq }) => seq),
      [1, 2, 3, 4],
    );
  }
  const apart = board({ seq: 9, events: [event(9, "goal")] });
  assert.deepEqual(
    joined(older, apart).events?.map(({ seq }) => seq),
    [9],
  );
  assert.equal(joined(newer, board({ epoch: "other", seq: 1 })).seq, 1);
});

test("an answer over HTTP does not bring back the epoch that the library has just left", () => {
  const [before, answer] = [board({ epoch: "new" }), board({ epoch: "other" })];
  assert.ok(isOutdated(before, answer, 11_000), "it was a second old, and ten on its way");
  assert.ok(!isOutdated(before, answer, 20_000), "the library may be cut off, and not know of a newer one");
  assert.ok(!isOutdated(before, board({ epoch: "new", seq: 1 }), 0));
  assert.ok(!isOutdated(null, answer, Number.POSITIVE_INFINITY));
});

test("what a newer account cancels is marked in the older events", () => {
  const older = board({ seq: 1, events: [event(1, "goal", { event_id: "g" })] });
  const newer = board({ seq: 2, events: [event(2, "cancellation", { cancels: "g", cancels_seq: 1 })] });
  assert.equal(joined(older, newer).events?.[0]?.cancelled_by, 2);
});

test("news is a score that moved, with the event that moved it", () => {
  const before = board({ seq: 1 });
  const goal = event(2, "goal", { team: "away", player: "P" });
  const after = board({ seq: 2, score: [0, 1], events: [goal] });
  assert.deepEqual(newsBetween(before, after), { kind: "goal", side: "away", event: goal });
  assert.equal(newsBetween(after, board({ seq: 3, score: [0, 0] }))?.kind, "cancelled");
  const ghost = event(3, "goal", { team: "away", player: "Ghost", cancelled_by: 4 });
  const taken = event(4, "cancellation", { cancels: "x", cancels_seq: 3 });
  const later = board({ seq: 4, score: [0, 1], events: [goal, ghost, taken] });
  assert.deepEqual(newsBetween(before, later)?.event, goal, "a goal that was taken back is no news");
  const whistle = event(3, "cancellation", { cancels: "k", cancels_seq: 1 });
  const events = [event(1, "kick_off"), goal, whistle];
  assert.equal(newsBetween(after, board({ seq: 3, score: [0, 0], events }))?.event, null, "a whistle is no goal");
  assert.equal(newsBetween(after, after), null);
  assert.equal(newsBetween(null, after), null);
});

test("a goal that was entered after the whistle stands before it", () => {
  const events = [
    event(1, "kick_off"),
    event(2, "half_time"),
    event(3, "goal", { minute: 45, stoppage: 2, team: "home" }),
    event(4, "cancellation", { cancels_seq: 3 }),
    event(5, "second_half"),
    event(6, "yellow_card", { minute: 46, team: "home" }),
  ];
  const order = momentsOf(events).map(({ event: { seq } }) => seq);
  assert.deepEqual(order, [6, 5, 4, 2, 3, 1]);
});

test("scorers and kicks are those that stand, in the game's order", () => {
  const events = [
    event(1, "goal", { minute: 80, team: "home", player: "A" }),
    event(2, "goal", { minute: 10, team: "home", player: "A" }),
    event(3, "goal", { minute: 20, team: "home", player: "B", cancelled_by: 4 }),
    event(5, "shootout_kick", { team: "home", scored: true }),
    event(6, "shootout_kick", { team: "home", scored: false, cancelled_by: 7 }),
  ];
  assert.deepEqual(
    scorersOf(events, "home").map(({ player, goals }) => [player, goals.map(({ minute }) => minute)]),
    [["A", [10, 80]]],
  );
  assert.equal(kicksOf(events, "home").length, 1);
});

test("what a newer account amends is corrected in the older events, by the newest amendment, and is no news", () => {
  const goal = event(1, "goal", { team: "home", player: "Wrong", minute: 45, stoppage: 2, amended_by: 2 });
  const older = board({
    seq: 2,
    score: [1, 0],
    events: [goal, event(2, "amendment", { amends_seq: 1, player: "Wrong" })],
  });
  const amendment = event(3, "amendment", { amends: "g", amends_seq: 1, player: "Right", minute: 46 });
  const both = joined(older, board({ seq: 3, score: [1, 0], events: [amendment] }));
  const [now] = both.events ?? [];
  assert.deepEqual([now?.player, now?.minute, now?.stoppage, now?.amended_by], ["Right", 46, null, 3]);
  assert.equal(newsBetween(older, both), null);
  assert.equal(announcement(amendment, both), null);
  const moments = momentsOf(both.events ?? []);
  assert.deepEqual(
    moments.map(({ event: { seq, player } }) => [seq, player]),
    [[1, "Right"]],
  );
});

test("a local day covers two of UTC in Tokyo, and goes on where it should", () => {
  assert.deepEqual(utcDays("2026-11-21"), ["2026-11-20", "2026-11-21"]);
  assert.equal(localDay(Date.parse("2026-11-20T15:00:00Z")), "2026-11-21");
  assert.equal(shifted("2026-12-31", 1), "2027-01-01");
  assert.ok(isDay("2028-02-29"));
  assert.ok(!isDay("2026-02-30") && !isDay("today") && !isDay(null));
});

test("today shows what is still on from yesterday, and not what somebody forgot to end", () => {
  const now = Date.parse("2026-11-21T00:30:00+09:00");
  const late = board({ kickoff: "2026-11-20T23:00:00+09:00" });
  const forgotten = board({ kickoff: "2026-11-20T09:00:00+09:00" });
  assert.ok(isOn(late, "2026-11-21", "2026-11-21", now));
  assert.ok(!isOn({ ...late, status: "full_time" }, "2026-11-21", "2026-11-21", now));
  assert.ok(!isOn(forgotten, "2026-11-21", "2026-11-21", now));
});

test("what is live comes first, within a competition and between them", () => {
  const kickoff = "2026-11-21T15:00:00Z";
  const groups = grouped([
    board({ match: "over", competition: "A", status: "full_time", kickoff }),
    board({ match: "ahead", competition: "B", status: "scheduled", kickoff }),
    board({ match: "live", competition: "B", kickoff: "2026-11-21T16:00:00Z" }),
  ]);
  assert.deepEqual(
    groups.map(({ competition, matches }) => [competition, matches.map(({ match }) => match)]),
    [
      ["B", ["live", "ahead"]],
      ["A", ["over"]],
    ],
  );
});

test("at most fifty are followed, what is live before all else", () => {
  const now = Date.parse("2026-11-21T15:00:00Z");
  const kickoff = "2026-11-21T15:10:00Z";
  const many = Array.from({ length: 60 }, (_, index) => board({ match: `s${index}`, status: "scheduled", kickoff }));
  const followed = toFollow([...many, board({ match: "live", kickoff })], now);
  assert.equal(followed.length, 50);
  assert.equal(followed[0], "live");
  assert.deepEqual(toFollow([board({ status: "scheduled", kickoff: "2026-11-21T20:00:00Z" })], now), []);
});

test("words: counts are round, ages short, a cancellation says why, a wrong clock how wrong", () => {
  assert.equal(viewersWords(1234), "about 1,200 following");
  assert.equal(viewersWords(7), "about 7 following");
  assert.equal(viewersWords(null), "");
  assert.equal(ageWords(61_000), "a minute ago");
  assert.equal(ageWords(7_200_000), "2 hours ago");
  const cancellation = event(2, "cancellation", { reason: "offside" });
  const why = whyCancelled(cancellation, true, () => "21:14");
  assert.equal(why, "Taken back at 21:14 after a video review: \u2068offside\u2069.");
  assert.match(wrongClock(3_600_000), /an hour fast/);
  assert.match(wrongClock(-600_000), /10 minutes slow/);
  assert.equal(connectionWords({ state: "waiting", retryAt: 5_000 }, 0), "Reconnecting in 5 s");
  assert.equal(connectionWords({ state: "silent" }, 0), "Not live");
  assert.equal(announcement(event(3, "substitution"), board({})), null);
});
