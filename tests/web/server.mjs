/** A server for one test of the library: WebSockets and the readers' API on a port of loopback. */

import { once } from "node:events";
import { createServer } from "node:http";
import { WebSocket, WebSocketServer } from "ws";
import { Livescore } from "../../web/livescore.js";
import { frame } from "./table.mjs";

const LISTENING = { type: "listening" };

/**
 * @typedef {object} Server
 * @property {string} websockets
 * @property {string} api
 * @property {any[]} asked what came over the sockets
 * @property {string[]} read which paths
 * @property {import("node:http").IncomingMessage[]} handshakes
 * @property {Map<string, any>} answers
 *   what `match` is answered with, in short; by default a snapshot at 1. `listen`: what `listen` is answered with
 * @property {any} snapshot what the API answers, in short; by default 503
 * @property {string | null} date the header of its answers
 * @property {boolean} holds whether answers wait for `release`, over the sockets and over HTTP
 * @property {() => void} release
 * @property {number} left requests that the client gave up
 * @property {(short: any) => void} post to every socket
 * @property {(whole: object) => void} send a frame as it is to every socket
 * @property {() => void} cut every socket
 */

/** @param {import("node:test").TestContext} t @returns {Promise<Server>} */
export async function serving(t) {
  const http = createServer();
  const sockets = new WebSocketServer({ server: http });
  /** @type {(() => void)[]} */
  const held = [];
  /** @param {() => void} answer */
  const give = (answer) => (server.holds ? held.push(answer) : answer());
  /** @type {Server} */
  const server = {
    websockets: "",
    api: "",
    asked: [],
    read: [],
    handshakes: [],
    answers: new Map(),
    snapshot: null,
    date: null,
    holds: false,
    left: 0,
    release: () => {
      server.holds = false;
      for (const answer of held.splice(0)) answer();
    },
    send: (whole) => {
      for (const each of sockets.clients) each.send(JSON.stringify(whole));
    },
    post: (short) => {
      for (const each of sockets.clients) each.send(JSON.stringify(frame(short)));
    },
    cut: () => {
      for (const each of sockets.clients) each.terminate();
    },
  };
  http.on("request", (request, answer) => {
    server.read.push(request.url ?? "");
    answer.on("close", () => {
      if (!answer.writableEnded) server.left += 1;
    });
    if (server.date) answer.setHeader("date", server.date);
    answer.statusCode = server.snapshot ? 200 : 503;
    give(() => answer.end(JSON.stringify(frame(server.snapshot ?? {}))));
  });
  sockets.on("connection", (socket, handshake) => {
    server.handshakes.push(handshake);
    socket.on("message", (text) => {
      const request = JSON.parse(String(text));
      server.asked.push(request);
      const { action, match } = request;
      const snapshot = server.answers.get(match) ?? { snapshot: 1, has: "1" };
      /** @type {Record<string, object>} */
      const short = { unsubscribe: { type: "unsubscribed", match }, listen: server.answers.get("listen") ?? LISTENING };
      const answer = short[action] ?? { ...frame(snapshot), match };
      give(() => socket.send(JSON.stringify(answer)));
    });
  });
  http.listen(0, "127.0.0.1");
  await once(http, "listening");
  const { port } = /** @type {import("node:net").AddressInfo} */ (http.address());
  server.websockets = `ws://127.0.0.1:${port}/live`;
  server.api = `http://127.0.0.1:${port}`;
  t.after(() => {
    server.cut();
    http.closeAllConnections();
    http.close();
  });
  return server;
}

/**
 * A Livescore for one test.
 *
 * @param {import("node:test").TestContext} t
 * @param {Server} server
 * @param {Partial<import("../../web/livescore.js").Options>} [options]
 */
export function viewing(t, server, options = {}) {
  const live = new Livescore({ websockets: server.websockets, api: server.api, WebSocket, page: null, ...options });
  t.after(() => live.close());
  return live;
}
