// Compiled and never run: a page in TypeScript uses livescore.d.ts like this.
import { WebSocket } from "ws";
import { type Board, type Cell, Follower, Livescore, type MatchEvent, repair } from "../../web/livescore.js";

const live = new Livescore({ websockets: ["wss://a.example/live"], api: "", token: async () => null, WebSocket });
new Livescore({ websockets: "wss://a.example/live", WebSocket: globalThis.WebSocket, fetch: globalThis.fetch });
const iot: Cell = { name: "iot", transport: "iot-core", region: "us-east-1", url: "wss://b.example/mqtt" };
new Livescore({ cells: [iot, { transport: "momento", url: "https://c.example", cache: "livescore" }], api: "" });
// @ts-expect-error a cell has an address
new Livescore({ cells: [{ transport: "iot-core" }] });
const off: () => void = live.on("connection", ({ state, retryAt, reason }) => {
  const text: string | null = state === "waiting" ? reason : null;
  const at: number | null = retryAt;
  return [text, at];
});
const saved: Board | null = live.follow("a").board;
const follow = live.follow("wc22-final", { only: "score" }, saved);
follow.on("event", (event: MatchEvent, { live }) => [event.seq, live satisfies boolean]);
follow.on("gap", (open) => open satisfies boolean);
follow.on("error", ({ code, message }) => `${code}: ${message}`);
follow.on("change", ({ score: [home, away] }) => home + away);
// @ts-expect-error there is no such thing to listen to
follow.on("goal", () => {});
// @ts-expect-error a board is not changed by those who read it
if (follow.board) follow.board.seq = 1;
for await (const event of follow) event.kind satisfies string;
const step: "take" | "pages" | "ask" = repair.judge(new Follower("m"), {});
off();
follow.close();
live.close();

export { step };
