// @ts-check
/** The viewer's page without a page: what is newer, in what order, on which day, in which words. */

import assert from "node:assert/strict";
import { test } from "node:test";

process.env.TZ = "Asia/Tokyo";

const { isOutdated, joined, Said } = await import("../../web/boards.js");
const { isDay, kickoffAt, kickoffDay, localDay, shifted, utcDays } = await import("../../web/day.js");
const { newsBetween } = await import("../../web/viewer/news.js");
const { newsWords } = await import("../../web/viewer/fixture.js");
const { grouped, isOn, pauseOfList, toFollow } = await import("../../web/viewer/groups.js");
const { checkOf, kicksOf, momentsOf, redCardsOf, scorersOf } = await import("../../web/viewer/moments.js");
const { truth } = await import("../../web/viewer/notices.js");
const {
  ageWords,
  aggregateOf,
  announcement,
  connectionWords,
  kindWords,
  mistakeWords,
  statusSign,
  statusWords,
  viewersWords,
  whyCancelled,
  wrongClock,
} = await import("../../web/words.js");

/** @typedef {import("../../web/page-types.js").Board} Board */
/** @typedef {import("../../web/page-types.js").Event} Event */

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

test("an older board never replaces a newer one; its events are kept if none is missing in between", () => {
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

test("an answer over HTTP does not bring back an epoch that the library has just left", () => {
  const [before, answer] = [board({ epoch: "new" }), board({ epoch: "other" })];
  assert.ok(isOutdated(before, answer, 14_000), "it was four seconds old, and ten on its way");
  assert.ok(!isOutdated(before, answer, 20_000), "the library may be cut off, and not know of a newer one");
  assert.ok(!isOutdated(before, board({ epoch: "new", seq: 1 }), 0));
  assert.ok(!isOutdated(null, answer, Number.POSITIVE_INFINITY));
});

test("teams and kick-off that were read over HTTP stay until the live connection brings others", () => {
  const said = new Said();
  const first = board({ seq: 1, home: "To be decided", leg: 1 });
  assert.equal(said.live(first), first);
  said.read(board({ seq: 1, home: "Lyon" }));
  const next = said.live({ ...first, seq: 2 });
  assert.deepEqual([next.home, next.seq, next.leg], ["Lyon", 2, undefined], "the library goes on with its snapshot");
  assert.equal(said.live(board({ seq: 3, home: "Nice" })).home, "Nice", "it got a snapshot of its own");
  assert.equal(said.live(board({ seq: 4, home: "Nice" })).home, "Nice");
  said.read(board({ seq: 4, home: "Metz" }));
  assert.equal(said.live(board({ epoch: "other", seq: 1, home: "Nice" })).home, "Nice", "it is another match");
});

test("an older event is marked if a newer board cancels it", () => {
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
  const offside = event(3, "cancellation", { cancels: "x", cancels_seq: 2, reason: "Offside" });
  const unknown = newsBetween(after, board({ seq: 3, score: [0, 0], events: [offside] }));
  assert.equal(unknown?.event, offside, "the goal itself need not be known");
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

test("neither an award nor a shoot-out kick that is taken back counts as a goal", () => {
  const abandoned = board({ seq: 1, status: "abandoned", score: [1, 1] });
  const awarded = board({ seq: 2, status: "awarded", score: [3, 0] });
  assert.equal(newsBetween(abandoned, awarded), null);
  assert.equal(newsBetween(awarded, board({ seq: 3, status: "abandoned", score: [1, 1] })), null);
  const before = board({ seq: 1, status: "shootout", shootout: [0, 0] });
  const kicked = board({ seq: 2, status: "shootout", shootout: [1, 0] });
  const scored = newsBetween(before, kicked);
  assert.deepEqual(scored, { kind: "goal", side: "home", event: null, kick: true });
  assert.equal(scored && newsWords(scored), "Scored!");
  const mistake = event(3, "cancellation", { cancels: "x", cancels_seq: 2, reason: "By mistake" });
  const taken = newsBetween(kicked, board({ seq: 3, status: "second_half", events: [mistake] }));
  assert.equal(taken && newsWords(taken), "Kick taken back: \u2068By mistake\u2069");
  assert.equal(
    newsWords({ kind: "cancelled", side: "home", event: mistake }),
    "Goal taken back: \u2068By mistake\u2069",
  );
});

test("a goal that was entered after the whistle is shown before the whistle", () => {
  const events = [
    event(1, "kick_off"),
    event(2, "half_time"),
    event(3, "goal", { minute: 45, stoppage: 2, team: "home" }),
    event(4, "cancellation", { cancels_seq: 3 }),
    event(5, "second_half"),
    event(6, "yellow_card", { minute: 46, team: "home" }),
  ];
  const order = momentsOf(events).map(({ event: { seq } }) => seq);
  assert.deepEqual(order, [6, 5, 2, 3, 1]);
});

/** The timeline from the first moment on, each as kind, minute and score. @param {Event[]} events @param {object} [lengths] */
const told = (events, lengths) =>
  momentsOf(events, lengths)
    .reverse()
    .map(({ event: { kind, minute }, score }) => [kind, minute, score?.join("–")]);

test("a goal that was entered late changes the scores from its minute on", () => {
  const events = [
    event(1, "kick_off"),
    event(2, "goal", { minute: 30, team: "home", score: [1, 0] }),
    event(3, "half_time", { score: [1, 0] }),
    event(4, "second_half"),
    event(5, "goal", { minute: 12, team: "away", score: [1, 1] }),
  ];
  assert.deepEqual(told(events), [
    ["kick_off", undefined, "0–0"],
    ["goal", 12, "0–1"],
    ["goal", 30, "1–1"],
    ["half_time", undefined, "1–1"],
    ["second_half", undefined, "1–1"],
  ]);
  // If events are missing, each event keeps the score with which it was told.
  assert.deepEqual(told(events.slice(1))[0], ["goal", 12, "1–1"]);
});

test("a goal without a minute is shown in play, after all earlier entries, and last among the scorers", () => {
  const events = [
    event(1, "kick_off"),
    event(2, "yellow_card", { minute: 80, team: "home" }),
    event(3, "full_time"),
    event(4, "goal", { team: "home", player: "Late" }),
    event(5, "red_card", { team: "away", bench: true }),
  ];
  const kinds = momentsOf(events).map(({ event: { kind } }) => kind);
  assert.deepEqual(kinds, ["red_card", "full_time", "goal", "yellow_card", "kick_off"]);
  const scorers = scorersOf([...events, event(6, "goal", { minute: 3, team: "home", player: "Early" })], "home");
  assert.deepEqual(
    scorers.map(({ player }) => player),
    ["Early", "Late"],
  );
  assert.equal(redCardsOf(events, "away"), 0, "nobody was sent off the pitch");
});

test("periods of other lengths, halves of extra time and a stop of play are shown at their places", () => {
  const events = [
    event(1, "kick_off"),
    event(2, "half_time"),
    event(3, "second_half"),
    event(4, "goal", { minute: 36, team: "home" }),
    event(5, "suspended", { reason: "Thunderstorm" }),
    event(6, "goal", { minute: 40, team: "away" }),
    event(7, "resumed"),
    event(8, "goal", { minute: 41, team: "away" }),
    event(9, "extra_time"),
    event(10, "extra_half_time"),
    event(11, "extra_second_half"),
    event(12, "goal", { minute: 85, team: "home" }),
    event(13, "goal", { minute: 75, team: "home" }),
    event(14, "goal", { minute: 35, stoppage: 2, team: "home" }),
  ];
  const order = momentsOf(events, { half_minutes: 35, extra_half_minutes: 10 })
    .reverse()
    .map(({ event: { seq } }) => seq);
  assert.deepEqual(order, [1, 14, 2, 3, 4, 6, 5, 7, 8, 9, 13, 10, 11, 12]);
});

test("a slip that was corrected at once is one quiet moment; a later correction shows its reason", () => {
  const goal = event(1, "goal", { at: 0, minute: 23, team: "home", event_id: "g", cancelled_by: 2 });
  const undo = event(2, "cancellation", { at: 12_000, cancels_seq: 1, reason: "Entered by mistake" });
  for (const [cancellation, mistake] of /** @type {[Event, boolean][]} */ ([
    [undo, true],
    [{ ...undo, reason: null }, true],
    [{ ...undo, reason: "Offside" }, false],
    [{ ...undo, at: 60_000 }, false],
  ])) {
    const moments = momentsOf([goal, cancellation]);
    assert.equal(moments.length, 1);
    assert.equal(moments[0]?.mistake, mistake);
    assert.equal(moments[0]?.cancellation, cancellation);
  }
  assert.equal(momentsOf([goal, undo, event(3, "var_decision", { about: "g" })]).at(-1)?.mistake, false);
  assert.equal(mistakeWords(goal), "Entered by mistake: goal");
  assert.equal(momentsOf([undo]).length, 1, "what it takes back is not known");
});

test("the video assistant's check is under way until its decision, or until play goes on to the next phase", () => {
  const check = event(1, "var_decision", { decision: "checking" });
  assert.equal(checkOf([check, event(2, "yellow_card")]), check);
  assert.equal(momentsOf([check]).length, 1);
  for (const end of [event(2, "var_decision", { decision: "goal_confirmed" }), event(2, "half_time")]) {
    assert.equal(checkOf([check, end]), null);
    assert.deepEqual(
      momentsOf([check, end]).map(({ event: { seq } }) => seq),
      [2],
    );
  }
  assert.equal(checkOf([{ ...check, cancelled_by: 2 }, event(2, "cancellation", { cancels_seq: 1 })]), null);
  assert.equal(announcement(check, board({})), "Video review under way.");
});

test("scorers and kicks that were not taken back are listed in the game's order", () => {
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

test("an older event is corrected by the newest amendment, and a correction is not news", () => {
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

test("a local day in Tokyo covers two UTC days, and days can be shifted and checked", () => {
  assert.deepEqual(utcDays("2026-11-21"), ["2026-11-20", "2026-11-21"]);
  assert.equal(localDay(Date.parse("2026-11-20T15:00:00Z")), "2026-11-21");
  assert.equal(shifted("2026-12-31", 1), "2027-01-01");
  assert.ok(isDay("2028-02-29"));
  assert.ok(!isDay("2026-02-30") && !isDay("today") && !isDay(null));
});

test("today's page shows yesterday's matches that are still played, but not matches that nobody ended", () => {
  const now = Date.parse("2026-11-21T00:30:00+09:00");
  const late = board({ kickoff: "2026-11-20T23:00:00+09:00" });
  const forgotten = board({ kickoff: "2026-11-20T09:00:00+09:00" });
  assert.ok(isOn(late, "2026-11-21", "2026-11-21", now));
  for (const status of ["full_time", "abandoned", "awarded"]) {
    assert.ok(isOn({ ...late, status }, "2026-11-21", "2026-11-21", now), "it has just ended");
    assert.ok(!isOn({ ...late, status }, "2026-11-21", "2026-11-21", now + 6 * 3_600_000), "it ended hours ago");
  }
  assert.ok(!isOn({ ...late, status: "postponed" }, "2026-11-21", "2026-11-21", now));
  assert.ok(!isOn(forgotten, "2026-11-21", "2026-11-21", now));
});

test("a kick-off with only a day is on that day, shows no time, and comes after kick-offs with a time", () => {
  const open = board({ match: "open", status: "scheduled", kickoff: "2026-11-21" });
  assert.equal(kickoffDay(open.kickoff), "2026-11-21");
  assert.ok(Number.isNaN(kickoffAt(open.kickoff)));
  const now = Date.parse("2026-11-21T10:00:00+09:00");
  assert.ok(isOn(open, "2026-11-21", "2026-11-21", now));
  for (const day of ["2026-11-20", "2026-11-22"]) assert.ok(!isOn(open, day, "2026-11-21", now));
  const late = board({ match: "late", status: "scheduled", kickoff: "2026-11-21T23:30:00+09:00" });
  assert.deepEqual(
    grouped([open, late])[0]?.matches.map(({ match }) => match),
    ["late", "open"],
  );
  assert.deepEqual(toFollow([open], now), ["open"], "it may begin at any time");
  assert.deepEqual(toFollow([open], now - 86_400_000), []);
  assert.equal(kickoffDay(null), null);
});

test("the connection and the last read make one state and at most one sentence", () => {
  const reads = { known: true, missing: false, unread: null, list: true };
  const about = { long: true, wasOpen: true, token: false, online: true };
  const said = (/** @type {string} */ given, more = {}, also = {}) => {
    const { state, sentence } = truth(given, { ...reads, ...more }, { ...about, ...also });
    return [state, sentence];
  };
  const unread = "The service cannot be reached. The page keeps trying.";
  assert.deepEqual(said("open"), ["open", null]);
  assert.deepEqual(said("open", { unread, list: false }), ["open", null], "the socket tells of the match");
  assert.match(String(said("open", { unread })[1]), /^Scores are live, but the list/);
  assert.deepEqual(said("open", { unread, known: false }), ["unreached", unread]);
  assert.deepEqual(said("closed", { unread }), ["unreached", unread]);
  assert.deepEqual(said("waiting", { unread }), ["waiting", unread]);
  assert.deepEqual(said("refused", { unread }), ["unreached", unread]);
  assert.deepEqual(said("open", { missing: true, known: false }), ["closed", null]);
  for (const [state, sentence] of [said("offline", { unread }), said("unset", { unread }, { online: false })]) {
    assert.equal(state, "offline");
    assert.match(String(sentence), /^You are offline/);
  }
  assert.match(String(said("waiting")[1]), /interrupted/);
  assert.deepEqual(said("waiting", {}, { long: false }), ["waiting", null]);
  assert.deepEqual(said("open", { known: false }), ["connecting", null]);
  assert.equal(connectionWords({ state: "unreached" }, 0), "Not reached");
});

test("every status and kind has words, and a sign for the scoreboard's column", () => {
  const statuses = ["postponed", "called_off", "extra_half_time", "extra_second_half", "suspended", "abandoned"];
  for (const status of [...statuses, "awarded"]) {
    assert.doesNotMatch(statusWords(status), /^[a-z]|_/);
    assert.ok(statusSign(status).length <= 10 || status.startsWith("extra_second"));
  }
  for (const kind of [...statuses, "resumed", "awarded"]) assert.doesNotMatch(kindWords(kind), /^[a-z]|_/);
});

test("a stop of a match is told in a sentence with its reason", () => {
  const reason = "Floodlights";
  const after = board({ score: [1, 0] });
  const score = "\u2068Home\u2069 1, \u2068Away\u2069 0";
  for (const [kind, words] of [
    ["suspended", `Play is suspended, \u2068Floodlights\u2069: ${score}.`],
    ["abandoned", `The match is abandoned, \u2068Floodlights\u2069: ${score}.`],
    ["awarded", `The match is awarded, \u2068Floodlights\u2069: ${score}.`],
    ["postponed", "The match is postponed, \u2068Floodlights\u2069."],
    ["called_off", "The match is called off, \u2068Floodlights\u2069."],
  ]) {
    assert.equal(announcement(event(1, String(kind), { reason }), after), words);
  }
  assert.deepEqual(aggregateOf({ score: [1, 0], first_leg: [0, 2] }), [1, 2]);
  assert.equal(aggregateOf({ score: [1, 0] }), null);
});

test("live matches come first, within a competition and between competitions", () => {
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

test("at most fifty matches are followed, live ones first", () => {
  const now = Date.parse("2026-11-21T15:00:00Z");
  const kickoff = "2026-11-21T15:10:00Z";
  const many = Array.from({ length: 60 }, (_, index) => board({ match: `s${index}`, status: "scheduled", kickoff }));
  const followed = toFollow([...many, board({ match: "live", kickoff })], now);
  assert.equal(followed.length, 50);
  assert.equal(followed[0], "live");
  assert.deepEqual(toFollow([board({ status: "scheduled", kickoff: "2026-11-21T20:00:00Z" })], now), []);
});

test("without a connection the list is read every half minute while something is live or about to kick off", () => {
  const now = Date.parse("2026-11-21T15:00:00Z");
  const [soon, later, over] = [
    board({ status: "scheduled", kickoff: "2026-11-21T15:01:00Z" }),
    board({ status: "scheduled", kickoff: "2026-11-21T20:00:00Z" }),
    board({ status: "full_time", kickoff: "2026-11-21T12:30:00Z" }),
  ];
  const live = board({ kickoff: "2026-11-21T14:30:00Z" });
  assert.equal(pauseOfList(false, [soon], now), 30_000);
  assert.equal(pauseOfList(false, [live], now), 30_000);
  assert.equal(pauseOfList(false, [later, over], now), 300_000);
  assert.equal(pauseOfList(true, [soon], now), 300_000, "the socket tells of the kick-off");
  assert.equal(pauseOfList(true, [live], now), 120_000);
});

test("words: counts are round, ages are short, a cancellation has its reason, a wrong clock its error", () => {
  assert.equal(viewersWords(1234), "about 1,200 following");
  assert.equal(viewersWords(10), "about 10 following");
  assert.equal(viewersWords(9), "", "small counts are nobody's news");
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
