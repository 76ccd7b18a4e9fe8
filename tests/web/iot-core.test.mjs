/** AWS IoT Core as a transport of the library. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { Iot } from "./services.mjs";
import { promises, range, scene, watch } from "./transport-promises.mjs";
import { until } from "./until.mjs";

promises(Iot);

test("a message with QoS 1 is acknowledged", async (t) => {
  const { service, live } = await scene(t, Iot);
  const { seqs, follow } = watch(live);
  await until(() => follow.board);
  for (const seq of range(2, 4)) service.post({ update: seq, prev: seq - 1, has: String(seq) });
  await until(() => seqs.length === 4 && service.acknowledged.length === 3);
  assert.deepEqual(service.acknowledged, [1, 2, 3]);
});

test("a page that closes says goodbye", async (t) => {
  const { service, live } = await scene(t, Iot);
  const { follow } = watch(live);
  await until(() => follow.board);
  live.close();
  await until(() => service.goodbyes === 1);
});

test("each connection has an id that nobody can guess, and the token is its password", async (t) => {
  const { service, live, page } = await scene(t, Iot, { token: () => "secret" });
  const { follow } = watch(live);
  await until(() => follow.board);
  page.online(false);
  page.online(true);
  await until(() => service.clients.length > 1);
  for (const client of service.clients) assert.match(client, /^[0-9a-f]{32}$/);
  assert.equal(new Set(service.clients).size, service.clients.length);
  assert.deepEqual([...new Set(service.handshakes)], ["secret"]);
  assert.deepEqual([...new Set(service.users)], ["viewer"]);
});

test("the name of an authorizer that is not the endpoint's own is in the user name", async (t) => {
  const { service, live } = await scene(t, Iot, {}, (service) => {
    service.cell = { ...service.cell, authorizer: "livescore-viewers" };
  });
  const { follow } = watch(live);
  await until(() => follow.board);
  assert.deepEqual(service.users, ["viewer?x-amz-customauthorizer-name=livescore-viewers"]);
});

test("a match at whose subscription the service ends the connection is not covered by the token", async (t) => {
  const { service, api, live } = await scene(t, Iot, { timings: { careSeconds: 0.05 } }, (service) => {
    service.cutsAt = (topic) => topic.startsWith("livescore/c-cup/");
  });
  api.knows("n", 1, "k3", "livescore/c-cup/n");
  const [open, closed] = [watch(live), watch(live, "n")];
  await until(() => closed.errors.length && live.connection.state === "open");
  assert.deepEqual(closed.errors, ["not_entitled"]);
  assert.equal(service.handshakes.length, 4, "three that were ended, and one that stays");
  // The connection may be open before the other match is subscribed on it, so the frame is posted until it is heard.
  await until(() => {
    service.post({ update: 2, prev: 1, has: "2" });
    return open.seqs.length === 2;
  });
  assert.deepEqual(open.seqs, [1, 2]);
});
