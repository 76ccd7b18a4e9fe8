/** AppSync GraphQL as a transport of the library. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { GraphQL } from "./services.mjs";
import { promises, scene, watch } from "./transport-promises.mjs";
import { until } from "./until.mjs";

promises(GraphQL);

test("the subscription's query has one field with the channel and the feed as variables", async (t) => {
  const { service, live } = await scene(t, GraphQL);
  const { follow } = watch(live);
  await until(() => follow.board);
  const { query = "", variables } = service.queries[0] ?? {};
  assert.deepEqual(variables, { channel: "livescore/open/m", feed: "all" });
  assert.match(
    query,
    /^subscription \(\$channel: String!, \$feed: String!\) \{\n {2}onFrame\(channel: \$channel, feed: \$feed\)/,
  );
});

test("an error of the service that says nothing about the viewer is no refusal: it is asked again", async (t) => {
  const { service, live } = await scene(t, GraphQL, { timings: { careSeconds: 0.05 } }, (service) => {
    service.fails = 1;
  });
  const { follow, errors } = watch(live);
  await until(() => follow.board);
  assert.deepEqual([errors, service.queries.length], [[], 2]);
});

test("a match whose new channel the service fails to join is heard there over the next connection", async (t) => {
  const { service, api, live, states } = await scene(t, GraphQL, {
    timings: { silenceSeconds: 0.2, careSeconds: 0.05 },
  });
  const { follow } = watch(live);
  await until(() => follow.board);
  service.fails = 1;
  api.knows("m", 0, "k4", "livescore/c-cup/m");
  await until(() => service.joined.includes("livescore/c-cup/m/all"));
  await until(() => follow.board?.epoch === "k4");
  assert.deepEqual([service.handshakes.length, states.includes("waiting")], [2, true]);
});
