/** After `close()` nothing of the library lives on: no timer, socket, request, listener or waiting reader, on any transport. */

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { WebSocket, WebSocketServer } from "ws";
import { Livescore } from "../../web/livescore.js";
import { Momento } from "./momento-service.mjs";
import { Page } from "./page.mjs";
import { Api, Events, GraphQL, Iot, listening, Service } from "./services.mjs";
import { frame } from "./table.mjs";
import { until } from "./until.mjs";

/** API Gateway, which answers a subscribe and a sync with a snapshot. */
class Gateway extends Service {
  snapshot = { snapshot: 1, has: "1" };

  /** @override @param {import("node:test").TestContext} t */
  async start(t) {
    const { http, host } = await listening(t);
    const sockets = new WebSocketServer({ server: http });
    sockets.on("connection", (socket) => {
      this.handshakes.push("");
      socket.on("message", (data) => {
        const { action, match } = JSON.parse(String(data));
        if (action === "sync") this.probes += 1;
        if (action === "subscribe") this.join(`livescore/open/${match}/all`, socket, (text) => socket.send(text));
        this.answer(() => socket.send(JSON.stringify({ ...frame(this.snapshot), match })));
      });
    });
    this.cell = { transport: "api-gateway", name: "one", url: `ws://${host}/live` };
    t.after(() => {
      for (const each of sockets.clients) each.terminate();
    });
    return this;
  }
}

const LIBRARY = /\/web\/(livescore|transports\/)/;

/** All that a Livescore uses, as far as it is still there. */
class Belongings {
  /** @type {Set<unknown>} */
  timers = new Set();
  /** @type {Set<string>} */
  requests = new Set();
  /** @type {Set<WebSocket>} */
  sockets = new Set();
  listeners = 0;
  /** The number of timers, requests and sockets that the library has begun. */
  begun = 0;

  /** The number of things that are left. A socket that is closing may wait for the other side's close frame. */
  get left() {
    const open = [...this.sockets].filter(({ readyState }) => readyState < WebSocket.CLOSING);
    return { timers: this.timers.size, requests: [...this.requests], sockets: open.length, listeners: this.listeners };
  }

  /** Count the timers that code of the library starts, until the test ends. @param {import("node:test").TestContext} t */
  countTimers(t) {
    const real = { setTimeout: globalThis.setTimeout, clearTimeout: globalThis.clearTimeout };
    /** @type {any} */ (globalThis).setTimeout = (
      /** @type {any} */ call,
      /** @type {number} */ wait,
      /** @type {any[]} */ ...given
    ) => {
      const caller = new Error().stack?.split("\n")[2] ?? "";
      if (!LIBRARY.test(caller)) return real.setTimeout(call, wait, ...given);
      const timer = real.setTimeout(() => {
        this.timers.delete(timer);
        call();
      }, wait);
      this.timers.add(timer);
      this.begun += 1;
      return timer;
    };
    globalThis.clearTimeout = (timer) => {
      this.timers.delete(timer);
      real.clearTimeout(timer);
    };
    t.after(() => Object.assign(globalThis, real));
  }

  get Socket() {
    const mine = this;
    return class extends WebSocket {
      /** @param {string} url @param {string[]} [protocols] */
      constructor(url, protocols = []) {
        super(url, protocols);
        mine.sockets.add(this);
        mine.begun += 1;
      }
    };
  }

  /** @type {typeof globalThis.fetch} */
  fetch = async (url, init) => {
    const one = `${url} ${++this.begun}`;
    this.requests.add(one);
    try {
      return await fetch(url, init);
    } finally {
      this.requests.delete(one);
    }
  };

  /** A page that counts the listeners of its window and its document. */
  page() {
    const page = new Page();
    for (const target of /** @type {any[]} */ ([page, page.document])) {
      const { addEventListener, removeEventListener } = target;
      target.addEventListener = (/** @type {any[]} */ ...given) => {
        this.listeners += 1;
        addEventListener.apply(target, given);
      };
      target.removeEventListener = (/** @type {any[]} */ ...given) => {
        this.listeners -= 1;
        removeEventListener.apply(target, given);
      };
    }
    return page;
  }
}

/**
 * @typedef {object} Scene
 * @property {Service} service
 * @property {Api} api
 * @property {Belongings} has
 * @property {Livescore} live
 * @property {import("../../web/livescore.js").Follow} follow
 */

/** The moments at which a page may close: what happens before, and when it is so far.
 * @type {Record<string, {prepare?: (scene: Omit<Scene, "live" | "follow">) => object | void, until: (scene: Scene) => unknown}>} */
const MOMENTS = {
  "at once": { until: () => true },
  "while it waits for a token": {
    prepare: () => ({ token: () => new Promise(() => {}) }),
    until: () => true,
  },
  "while the service does not answer": {
    prepare: ({ service }) => {
      service.deaf = true;
    },
    until: ({ service, has }) => service.handshakes.length || has.sockets.size,
  },
  "while the snapshot is read": {
    prepare: ({ api }) => {
      api.silent = (path) => path.includes("after=");
    },
    until: ({ api, follow }) => api.reads.some((path) => path.includes("after=")) || follow.board,
  },
  "while it follows a match": { until: ({ follow }) => follow.board },
  "while a gap is repaired in vain": {
    prepare: ({ api }) => {
      api.silent = (path) => path.includes("epoch=");
    },
    until: ({ service, follow, api }) => {
      if (!follow.board) return false;
      if (!follow.board.gap) service.post({ update: 5, prev: 4, has: "5" });
      return api.reads.some((path) => path.includes("epoch=k3"));
    },
  },
  "while the events before are read in vain": {
    prepare: ({ api, service }) => {
      const short = { snapshot: 9, has: "9", recovered: true };
      api.silent = (path) => path.includes("/events");
      api.instead = () => ({ ...frame(short), match: "m", channel: "livescore/open/m" });
      Object.assign(service, { snapshot: short });
    },
    until: ({ api, follow }) => follow.board && api.reads.some((path) => path.includes("/events")),
  },
  "while it waits before the next try": {
    prepare: ({ service }) =>
      Object.assign(service.cell, { url: service.cell.url.replace(/127.0.0.1:\d+/, "127.0.0.1:1") }),
    until: ({ live }) => live.connection.retryAt,
  },
  "while a quiet connection is asked for a sign of life": {
    prepare: () => ({ timings: { careSeconds: 0.05, quietSeconds: 0.3, pongSeconds: 5 } }),
    until: ({ service, follow, has }) => {
      if (follow.board) service.deaf = true;
      // Momento's stand-in counts no question that it does not answer: the poll and the question wait.
      return follow.board && (service.probes > 0 || has.requests.size > 1);
    },
  },
};

for (const Kind of [Gateway, Events, GraphQL, Iot, Momento]) {
  describe(`after close() nothing is left of a ${Kind.name}`, () => {
    for (const [when, { prepare, until: so }] of Object.entries(MOMENTS)) {
      test(when, async (t) => {
        const has = new Belongings();
        has.countTimers(t);
        const api = await new Api().start(t);
        api.knows("m", 1);
        const service = new Kind();
        await service.start(t, api);
        const options = prepare?.({ service, api, has }) ?? {};
        const live = new Livescore({
          cells: [service.cell],
          api: api.url,
          WebSocket: has.Socket,
          fetch: has.fetch,
          page: has.page(),
          ...options,
        });
        t.after(() => live.close());
        const follow = live.follow("m", { history: true });
        const reader = follow[Symbol.asyncIterator]();
        await until(() => so({ service, api, has, live, follow }));
        live.close();
        const { begun } = has;
        assert.equal(has.listeners, 0);
        for (let done = false; !done; ) done = Boolean((await reader.next()).done);
        // Requests that the library has given up end in the next turns of the loop.
        for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
        assert.deepEqual(has.left, { timers: 0, requests: [], sockets: 0, listeners: 0 });
        assert.equal(has.begun, begun, "it begins nothing any more");
        assert.equal(live.connection.state, "closed");
      });
    }
  });
}
