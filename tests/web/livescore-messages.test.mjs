/** Messages to the viewer's own subject in the library. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { serving, viewing } from "./server.mjs";
import { until } from "./until.mjs";

/** @param {import("./server.mjs").Server} server @returns {number} how often the library has said `listen` */
const listens = (server) => server.asked.filter(({ action }) => action === "listen").length;

test("each message is given with its body, and a frame without a key is none", async (t) => {
  const server = await serving(t);
  /** @type {unknown[][]} */
  const messages = [];
  const follow = viewing(t, server, { onMessage: (...given) => messages.push(given) }).follow("m");
  await until(() => follow.board && listens(server) === 1);
  server.send({ type: "message", at: 1 });
  server.send({ type: "message", key: "bet-settled", at: 2 });
  server.send({ type: "message", key: "orders/1", body: { won: 3 }, at: 3 });
  await until(() => messages.length === 2);
  assert.deepEqual(messages, [
    ["bet-settled", undefined],
    ["orders/1", { won: 3 }],
  ]);
});

test("a viewer listens again on each connection", async (t) => {
  const server = await serving(t);
  const timings = { retrySeconds: 0.01 };
  const follow = viewing(t, server, { onMessage: () => {}, timings }).follow("m");
  await until(() => follow.board && listens(server) === 1);
  server.cut();
  await until(() => listens(server) === 2);
});

test("listen is sent again until it is answered", async (t) => {
  const server = await serving(t);
  server.answers.set("listen", { message: "Too Many Requests" });
  const follow = viewing(t, server, { onMessage: () => {}, timings: { careSeconds: 0.01 } }).follow("m");
  await until(() => follow.board && listens(server) === 3);
  server.answers.delete("listen");
  await until(() => listens(server) === 4);
  server.post({ update: 2, prev: 1, has: "2" });
  await until(() => follow.board?.seq === 2);
  assert.equal(server.asked.filter(({ action }) => action === "subscribe").length, 1);
});

test("a viewer without a subject is told so once on a connection", async (t) => {
  const server = await serving(t);
  server.answers.set("listen", {
    type: "error",
    code: "no_subject",
    message: "Only a viewer with a token can listen.",
  });
  const live = viewing(t, server, { onMessage: () => {}, timings: { careSeconds: 0.01, quietSeconds: 0.05 } });
  /** @type {string[]} */
  const codes = [];
  live.on("error", ({ code }) => codes.push(code));
  live.follow("m");
  await until(() => server.asked.filter(({ action }) => action === "sync").length === 2);
  assert.deepEqual([codes, listens(server)], [["no_subject"], 1]);
});

test("without onMessage nothing listens", async (t) => {
  const server = await serving(t);
  viewing(t, server, { timings: { careSeconds: 0.01, quietSeconds: 0.05 } }).follow("m");
  await until(() => server.asked.some(({ action }) => action === "sync"));
  assert.equal(listens(server), 0);
});
