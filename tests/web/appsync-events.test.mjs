/** AppSync Events as a transport of the library. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { Events } from "./services.mjs";
import { promises, scene, watch } from "./transport-promises.mjs";
import { until } from "./until.mjs";

promises(Events);

test("the event of a message may be a text, or a list of one text", async (t) => {
  const { service, live } = await scene(t, Events);
  const { seqs, follow } = watch(live);
  await until(() => follow.board);
  service.wraps = (text) => text;
  service.post({ update: 2, prev: 1, has: "2" });
  service.wraps = (text) => [text];
  service.post({ update: 3, prev: 2, has: "3" });
  await until(() => seqs.length === 3);
});

test("a viewer without a token says that it is anonymous, because AppSync refuses an empty token", async (t) => {
  const { service, live } = await scene(t, Events);
  const { follow } = watch(live);
  await until(() => follow.board);
  assert.deepEqual(service.handshakes, ["anonymous"]);
  assert.deepEqual(service.authorizations, [{ host: "api.example", Authorization: "anonymous" }]);
});

test("a message that the service reports as not delivered is read over HTTP", async (t) => {
  const { service, api, live } = await scene(t, Events);
  const { seqs, follow } = watch(live);
  await until(() => follow.board && api.reads.some((path) => path.includes("request=")));
  api.knows("m", 2);
  service.report({ type: "broadcast_error", errors: [] });
  await until(() => seqs.length === 2);
});

test("what is no JSON, or not the service's, changes nothing", async (t) => {
  const { service, live } = await scene(t, Events);
  const { seqs, follow } = watch(live);
  await until(() => follow.board);
  for (const text of ["no JSON", "null", "[]", '{"type":"data"}', '{"type":"data","id":"none","event":["{}"]}'])
    service.reportText(text);
  service.post({ update: 2, prev: 1, has: "2" });
  await until(() => seqs.length === 2);
  assert.equal(service.handshakes.length, 1);
});
