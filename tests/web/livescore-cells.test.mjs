/** The choice of a cell: the library dials one of several, and the page takes its cells from deployment.json. */

import assert from "node:assert/strict";
import { before, test } from "node:test";
import { WebSocket } from "ws";
import { Livescore } from "../../web/livescore.js";
import { serving } from "./server.mjs";
import { Api, Events } from "./services.mjs";
import { until } from "./until.mjs";

/** @type {typeof import("../../web/origin.js").cellsOf} */
let cellsOf;

before(async () => {
  // The modules of the page look at the location when they are loaded.
  Object.assign(globalThis, { location: { pathname: "/operator.html", search: "" } });
  ({ cellsOf } = await import("../../web/origin.js"));
  Reflect.deleteProperty(globalThis, "location");
});

const NOBODY = { transport: "appsync-events", url: "ws://127.0.0.1:1/", host: "none" };

test("a cell of any transport that does not open is left for the next one", async (t) => {
  const gateway = await serving(t);
  const api = await new Api().start(t);
  api.knows("m", 1);
  const events = await new Events().start(t);
  const cells = [NOBODY, { transport: "api-gateway", url: gateway.websockets }, events.cell];
  for (const [chance, dialled] of /** @type {[number, () => number][]} */ ([
    [0, () => gateway.handshakes.length],
    [0.9, () => events.handshakes.length],
  ])) {
    const live = new Livescore({ cells, api: api.url, WebSocket, page: null, random: () => chance });
    t.after(() => live.close());
    const follow = live.follow("m");
    await until(() => follow.board);
    assert.equal(dialled(), 1);
  }
});

test("websockets and cells may be given together", async (t) => {
  const gateway = await serving(t);
  const { websockets, api } = gateway;
  const live = new Livescore({ websockets, cells: [NOBODY], api, WebSocket, page: null, random: () => 0.9 });
  t.after(() => live.close());
  const follow = live.follow("m");
  await until(() => follow.board);
});

test("a cell of a transport that a newer release has added is left for the next one", async (t) => {
  const gateway = await serving(t);
  const newer = { transport: "smoke-signals", url: "smoke://hill" };
  const cells = [newer, { transport: "api-gateway", url: gateway.websockets }];
  const live = new Livescore({ cells, api: gateway.api, WebSocket, page: null, random: () => 0 });
  t.after(() => live.close());
  const follow = live.follow("m");
  await until(() => follow.board);
});

test("a cell that needs the readers' API says so where there is none", () => {
  assert.throws(() => new Livescore({ cells: [NOBODY], WebSocket, page: null }), /api is missing/);
  assert.throws(() => new Livescore({ WebSocket, page: null }), /websockets names no address/);
});

test("the page takes all cells of the deployment, or the one that its address names", () => {
  const cells = {
    main: { transport: "api-gateway", url: "wss://main.example/live", region: "us-east-1" },
    iot: { transport: "iot-core", url: "wss://iot.example/mqtt", region: "us-east-1" },
  };
  const websockets = { main: "wss://main.example/live" };
  const [main, iot] = [
    { ...cells.main, name: "main" },
    { ...cells.iot, name: "iot" },
  ];
  assert.deepEqual(cellsOf({ cells, websockets }, "?match=m"), [main, iot]);
  assert.deepEqual(cellsOf({ cells, websockets }, "?match=m&cell=iot"), [iot]);
  assert.deepEqual(cellsOf({ cells, websockets }, "?cell=none"), [main, iot]);
});

test("an older server names only the WebSockets of its cells", () => {
  const websockets = { "us-east-1": "wss://a.example/live" };
  const cell = { name: "us-east-1", transport: "api-gateway", url: "wss://a.example/live" };
  assert.deepEqual(cellsOf({ websockets }, ""), [cell]);
});
