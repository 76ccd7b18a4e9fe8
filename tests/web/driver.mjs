/** Plays one scene with the library: what it shows is a line of JSON each; lines on stdin say what to do meanwhile. */

import { createInterface } from "node:readline";
import { WebSocket } from "ws";
import { Livescore } from "../../web/livescore.js";

const about = JSON.parse(process.argv[2] ?? "{}");
const { care, silence, idle, quiet, pong, first, age, spread, fetch, look, settle, begun } = about.timings;

/** @param {object} what */
const say = (what) => process.stdout.write(`${JSON.stringify(what)}\n`);

const live = new Livescore({
  websockets: about.websockets,
  cells: about.cells,
  api: about.api,
  WebSocket,
  token: () => (about.tokens.length > 1 ? about.tokens.shift() : (about.tokens[0] ?? null)),
  random: () => about.chance,
  timings: {
    careSeconds: care,
    silenceSeconds: silence,
    idleSeconds: idle,
    quietSeconds: quiet,
    pongSeconds: pong,
    firstSeconds: first,
    ageSeconds: age,
    spreadSeconds: spread,
    fetchSeconds: fetch,
    ...(look && { lookSeconds: look, freshSeconds: settle, beginSeconds: begun }),
  },
});
live.on("connection", ({ state, reason }) => say({ state, reason }));
live.on("error", ({ code }) => code !== "gateway" && say({ error: code }));

/** @param {{match: string, only?: "score", history?: boolean}} wish */
function follow({ match, ...options }) {
  const one = live.follow(match, options);
  one.on("event", ({ seq }, news) => say({ event: { match, seq, live: news.live } }));
  one.on("error", ({ code }) => say({ error: code }));
  one.on("change", ({ events, ...board }) => {
    const cancelled = events.filter((event) => event.cancelled_by).map((event) => event.seq);
    const amended = events
      .filter((event) => event.amended_by)
      .map(({ seq, player, minute, stoppage, amended_by }) => ({ seq, player, minute, stoppage, amended_by }));
    say({ board: { ...board, events: events.map((event) => event.seq), cancelled, amended } });
  });
  return one;
}

const follows = new Map();
for (const wish of about.follow) follows.set(wish.match, follow(wish));
for await (const line of createInterface({ input: process.stdin })) {
  const command = JSON.parse(line);
  if (command.follow) follows.set(command.follow.match, follow(command.follow));
  if (command.close) follows.get(command.close).close();
}
live.close();
