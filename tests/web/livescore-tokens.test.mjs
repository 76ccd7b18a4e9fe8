/** Viewers' tokens in the library: given by the page, on the wire where no log has them, and in nothing that is said. */

import assert from "node:assert/strict";
import { test } from "node:test";
import { WebSocket } from "ws";
import { Livescore } from "../../web/livescore.js";
import { serving, viewing } from "./server.mjs";
import { until } from "./until.mjs";

const SECRET = "eyJhbGciOiJub25lIn0.secret.token";

test("no error message contains a token", async (t) => {
  const server = await serving(t);
  /** @type {unknown[]} */
  const said = [];
  for (const name of /** @type {const} */ (["log", "info", "warn", "error", "debug"])) {
    t.mock.method(console, name, (/** @type {unknown[]} */ ...values) => said.push(values));
  }
  /** @type {(() => any)[]} */
  const providers = [() => Promise.reject(new Error(SECRET)), () => SECRET];
  class Throwing {
    /** @param {string} url */
    constructor(url) {
      throw new SyntaxError(`cannot connect to ${url}`);
    }
  }
  for (const token of providers) {
    for (const Socket of [WebSocket, Throwing]) {
      const websockets = "ws://127.0.0.1:1/live";
      const options = { websockets, token, WebSocket: /** @type {any} */ (Socket), timings: { retrySeconds: 0.01 } };
      const live = viewing(t, server, options);
      let tries = 0;
      live.on("connection", (connection) => {
        said.push(connection);
        tries = Math.max(tries, connection.attempt);
      });
      live.on("error", (problem) => said.push(problem));
      live.follow("m").on("error", (problem) => said.push(problem));
      await until(() => tries >= 4);
      assert.ok(live.connection.reason);
      live.close();
    }
  }
  assert.ok(!JSON.stringify(said).includes("secret"));
});

test("a token may be sent beside the address instead of in it", async (t) => {
  const server = await serving(t);
  const live = viewing(t, server, { token: async () => SECRET, tokenIn: "subprotocol" });
  const follow = live.follow("m");
  await until(() => follow.board);
  const [handshake] = server.handshakes;
  assert.equal(handshake?.url, "/live?v=1");
  assert.equal(handshake?.headers["sec-websocket-protocol"], `livescore.v1,${SECRET}`);
});

test("a token that is too long for an address is reported, and no connection is opened", async (t) => {
  const server = await serving(t);
  const token = "x".repeat(3073);
  const live = viewing(t, server, { token: () => token });
  /** @type {{code: string, message: string}[]} */
  const errors = [];
  live.on("error", (error) => errors.push(error));
  live.follow("m");
  await until(() => live.connection.state === "waiting" && errors.length > 0);
  assert.equal(errors[0]?.code, "token_too_long");
  assert.equal(errors[0]?.message, "The token is too long for an address: 3,072 characters at most.");
  assert.equal(live.connection.reason, errors[0]?.message);
  assert.equal(server.handshakes.length, 0);
  assert.ok(!JSON.stringify(errors).includes("xxx"));
});

test("over TLS the token is not in the address, because browsers write addresses to their console", () => {
  /** @type {unknown[]} */
  const opened = [];
  class Opened {
    /** @param {unknown[]} given */
    constructor(...given) {
      opened.push(given);
      throw new Error("That is all.");
    }
  }
  for (const websockets of ["wss://live.example/live", "ws://127.0.0.1:1/live"]) {
    const live = new Livescore({ websockets, token: () => SECRET, WebSocket: /** @type {any} */ (Opened), page: null });
    live.follow("m");
    setTimeout(() => live.close());
  }
  return until(() => opened.length === 2).then(() =>
    assert.deepEqual(opened, [
      ["wss://live.example/live?v=1", ["livescore.v1", SECRET]],
      [`ws://127.0.0.1:1/live?v=1&token=${SECRET}`],
    ]),
  );
});

test("a token provider that never answers is abandoned, and asked again", async (t) => {
  const server = await serving(t);
  let asked = 0;
  const token = () => (asked++ ? SECRET : new Promise(() => {}));
  const live = viewing(t, server, { token, timings: { openSeconds: 0.1, retrySeconds: 0.01 } });
  const follow = live.follow("m");
  await until(() => follow.board);
  assert.equal(asked, 2);
});
