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
