/** Momento Topics as a transport of the library. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { Momento } from "./services.mjs";
import { dialled, promises, range, scene, watch } from "./transport-promises.mjs";
import { until } from "./until.mjs";

promises(Momento);

test("messages between two polls are not lost", async (t) => {
  const { service, live } = await scene(t, Momento);
  const { seqs, follow } = watch(live);
  await until(() => follow.board && service.joined.length);
  for (const seq of range(2, 20)) service.post({ update: seq, prev: seq - 1, has: String(seq) });
  await until(() => seqs.length === 20);
  assert.deepEqual(seqs, range(1, 20));
});

test("a topic's name has colons, and the token of the competition is in a header", async (t) => {
  const { service, live } = await scene(t, Momento);
  const { follow } = watch(live);
  await until(() => follow.board && service.joined.length);
  const [request] = service.requests;
  assert.match(request?.url ?? "", /^\/topics\/live\/livescore%3Aopen%3Am%3Aall\?sequence_number=0&sequence_page=0$/);
  assert.equal(request?.authorization, "momento-open-1");
});

test("the token for the messages to the viewer is asked for without a competition", async (t) => {
  const { service, api } = await scene(t, Momento);
  const claims = Buffer.from(JSON.stringify({ sub: "me" })).toString("base64url");
  const socket = await dialled(t, service, api, () => {}, `head.${claims}.signature`);
  socket.send('{"action":"listen"}');
  await until(() => service.joined.length);
  assert.deepEqual(api.wanted, ["cell=one&competition=open", "cell=one&subject=me"]);
});

test("after skipped messages the match is read over HTTP at once", async (t) => {
  const { service, api, live } = await scene(t, Momento);
  const { seqs, follow } = watch(live);
  await until(() => follow.board && api.reads.some((path) => path.includes("request=")));
  api.knows("m", 5);
  service.skip();
  await until(() => seqs.length === 5);
});

test("a token that has ended is replaced, and nothing is missed", async (t) => {
  const { service, api, live } = await scene(t, Momento);
  const { seqs, follow } = watch(live);
  await until(() => follow.board && service.joined.length);
  service.post({ update: 2, prev: 1, has: "2" });
  await until(() => seqs.length === 2);
  service.ends = ["momento-open-1"];
  for (const seq of range(3, 5)) service.post({ update: seq, prev: seq - 1, has: String(seq) });
  await until(() => seqs.length === 5);
  assert.ok(api.granted.length > 1);
  assert.equal(live.connection.state, "open");
});

test("a service that refuses every poll is left after three of them", async (t) => {
  const { states, live } = await scene(t, Momento, {}, (service) => {
    service.status = 429;
  });
  watch(live);
  await until(() => states.includes("waiting"));
  assert.equal(live.connection.reason, "The connection was lost.");
});
