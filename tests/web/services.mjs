/** The services of the broadcasting transports and the readers' API, each as a server in the test's process. */

import { once } from "node:events";
import { createServer } from "node:http";
import { WebSocketServer } from "ws";
import { frame } from "./table.mjs";

const BASE = "livescore/open/";

/** Listens on a port of loopback until the test ends. @param {import("node:test").TestContext} t @param {import("node:http").RequestListener} [answer] */
export async function listening(t, answer) {
  const http = createServer(answer);
  http.listen(0, "127.0.0.1");
  await once(http, "listening");
  t.after(() => {
    http.closeAllConnections();
    http.close();
  });
  const { port } = /** @type {import("node:net").AddressInfo} */ (http.address());
  return { http, host: `127.0.0.1:${port}` };
}

/** The readers' API: it knows each match's events, and may answer as an old cache does. */
export class Api {
  url = "";
  /** @type {Map<string, {epoch: string, seq: number, channel: string}>} */
  matches = new Map();
  /** @type {string[]} */
  reads = [];
  /** Whether a read of a match gets no answer. @type {(path: string) => boolean} */
  silent = () => false;
  /** An answer in place of the right one, or null. @type {(path: string) => any} */
  instead = () => null;
  /** Status of the answers to requests for tokens of Momento. @type {(token: string, competition: string) => number} */
  grants = () => 200;
  /** @type {string[]} */
  granted = [];
  /** The queries of requests for tokens of Momento. @type {string[]} */
  wanted = [];

  /** @param {import("node:test").TestContext} t */
  async start(t) {
    const { host } = await listening(t, (request, answer) => {
      const url = new URL(request.url ?? "", "http://api");
      if (url.pathname === "/listeners/momento") {
        const token = (request.headers.authorization ?? "").replace("Bearer ", "");
        const competition = url.searchParams.get("competition") ?? "";
        answer.statusCode = this.grants(token, competition);
        const expires = Date.now() / 1000 + 300;
        this.granted.push(token);
        this.wanted.push(String(url.searchParams));
        answer.end(JSON.stringify({ token: `momento-${competition}-${this.granted.length}`, expires }));
        return;
      }
      this.reads.push(request.url ?? "");
      if (this.silent(request.url ?? "")) return;
      const body = this.instead(request.url ?? "") ?? this.#read(url);
      answer.statusCode = body ? 200 : 404;
      answer.end(JSON.stringify(body ?? { error: { code: "unknown_match", message: "" } }));
    });
    this.url = `http://${host}`;
    return this;
  }

  /** @param {string} match @param {number} seq @param {string} [epoch] @param {string} [channel] */
  knows(match, seq, epoch = "k3", channel = BASE + match) {
    this.matches.set(match, { epoch, seq, channel });
  }

  /** @param {URL} url */
  #read({ pathname, searchParams }) {
    const [, , match = "", events] = pathname.split("/");
    const found = this.matches.get(match);
    if (!found) return null;
    const { epoch, seq, channel } = found;
    const given = searchParams.get("after");
    const after = given !== null && [null, epoch].includes(searchParams.get("epoch")) ? Number(given) : 0;
    const has = seq > after ? `${after + 1}-${seq}` : [];
    const short = events ? { page: seq, has } : { snapshot: seq, has, recovered: given !== null, channel };
    return frame({ ...short, match, epoch });
  }
}

/** The common part of the services. A subclass speaks the protocol of one service. */
export class Service {
  /** @type {import("../../web/livescore.js").Cell} */
  cell = { transport: "", url: "" };
  /** The token of each connection. @type {string[]} */
  handshakes = [];
  /** `channel/feed` of each subscription, in order. @type {string[]} */
  joined = [];
  /** @type {string[]} */
  left = [];
  /** Whether the service says nothing any more. */
  deaf = false;
  /** Whether the connection is ended at a subscription. @type {(topic: string) => boolean} */
  cutsAt = () => false;
  /** Whether a handshake with this token is refused. @type {(token: string) => boolean} */
  refusesToken = () => false;
  /** Whether a subscription is refused. @type {(topic: string, token: string) => boolean} */
  refuses = () => false;
  /** Questions for a sign of life. */
  probes = 0;
  /** `channel/feed` -> owner -> a function that sends a text to the subscription. @type {Map<string, Map<object, (text: string) => void>>} */
  topics = new Map();

  /** @param {() => void} answer */
  answer(answer) {
    if (!this.deaf) answer();
  }

  /** @param {string} topic @param {object} owner @param {(text: string) => void} send */
  join(topic, owner, send) {
    this.joined.push(topic);
    this.topics.set(topic, (this.topics.get(topic) ?? new Map()).set(owner, send));
  }

  /** @param {string} topic @param {object} owner */
  leave(topic, owner) {
    if (this.topics.get(topic)?.delete(owner)) this.left.push(topic);
  }

  /** Post a frame to a channel. @param {any} short @param {string} [feed] @param {string} [match] */
  post(short, feed = "all", match = "m") {
    this.publish(`${BASE}${match}/${feed}`, { ...frame(short), match });
  }

  /** @param {string} topic @param {object} what */
  publish(topic, what) {
    if (!this.deaf) for (const send of this.topics.get(topic)?.values() ?? []) send(JSON.stringify(what));
  }

  /** Listen until the test ends. @param {import("node:test").TestContext} _t @param {Api} _api @returns {Promise<this>} */
  async start(_t, _api) {
    return this;
  }

  /** End every connection. */
  cut() {}
}

/** A service on WebSockets. */
class SocketService extends Service {
  /** @type {WebSocketServer | null} */
  #sockets = null;

  /** @override @param {import("node:test").TestContext} t */
  async start(t) {
    const { http, host } = await listening(t);
    this.#sockets = new WebSocketServer({ server: http, handleProtocols: (offered) => [...offered][0] ?? false });
    this.#sockets.on("connection", (socket, request) => {
      const talk = this.speak(socket, (request.headers["sec-websocket-protocol"] ?? "").split(/, */));
      socket.on("message", (data) => talk(data));
      socket.on("close", () => {
        for (const owners of this.topics.values()) owners.delete(socket);
      });
    });
    t.after(() => this.cut());
    this.cell = { transport: this.transport, name: "one", url: `ws://${host}/realtime?none`, host: "api.example" };
    return this;
  }

  get transport() {
    return "";
  }

  /** @param {import("ws").WebSocket} _socket @param {string[]} _protocols @returns {(data: any) => void} */
  speak(_socket, _protocols) {
    return () => {};
  }

  /** @override */
  cut() {
    for (const each of this.#sockets?.clients ?? []) each.terminate();
  }
}

/** The credentials of AppSync in a subprotocol. @param {string[]} protocols */
function credentialsIn(protocols) {
  const header = protocols.find((each) => each.startsWith("header-")) ?? "header-";
  return JSON.parse(Buffer.from(header.slice("header-".length), "base64url").toString());
}

export class Events extends SocketService {
  /** Puts a text into a message. @type {(text: string) => unknown} */
  wraps = (text) => [text];
  /** The credentials of each subscription. @type {object[]} */
  authorizations = [];
  /** A function that sends a text, by subscription. @type {Map<string, (text: string) => void>} */
  #lines = new Map();

  /** Say something about the subscriptions that is no frame. @param {object} what */
  report(what) {
    for (const [id, send] of this.#lines) send(JSON.stringify({ ...what, id }));
  }

  /** @param {string} text */
  reportText(text) {
    for (const send of this.#lines.values()) send(text);
  }

  /** @override */
  get transport() {
    return "appsync-events";
  }

  /** @override @param {import("ws").WebSocket} socket @param {string[]} protocols */
  speak(socket, protocols) {
    /** @type {Map<string, string>} */
    const topics = new Map();
    const token = credentialsIn(protocols).Authorization;
    this.handshakes.push(token);
    /** @param {object} what */
    const say = (what) => this.answer(() => socket.send(JSON.stringify(what)));
    const errors = [{ errorType: "UnauthorizedException", message: "no" }];
    return (/** @type {any} */ data) => {
      const { type, id, channel, authorization } = JSON.parse(String(data));
      if (type === "connection_init") {
        if (!this.refusesToken(token)) return say({ type: "connection_ack", connectionTimeoutMs: 300_000 });
        socket.send(JSON.stringify({ type: "connection_error", errors }));
        socket.close();
      } else if (type === "subscribe") {
        const topic = channel.slice(1);
        if (this.refuses(topic, authorization.Authorization)) return say({ type: "subscribe_error", id, errors });
        topics.set(id, topic);
        this.authorizations.push(authorization);
        this.#lines.set(id, (text) => socket.send(text));
        this.join(topic, socket, (text) => socket.send(JSON.stringify({ type: "data", id, event: this.wraps(text) })));
        say({ type: "subscribe_success", id });
      } else if (type === "unsubscribe") {
        if (topics.has(id)) this.leave(topics.get(id) ?? "", socket);
        else this.probes += 1;
        say({ type: topics.delete(id) ? "unsubscribe_success" : "unsubscribe_error", id });
      }
    };
  }
}

export class GraphQL extends SocketService {
  /** The document of each subscription. @type {{query: string, variables: object}[]} */
  queries = [];
  /** The next so many subscriptions fail. */
  fails = 0;

  /** @override */
  get transport() {
    return "appsync-graphql";
  }

  /** @override @param {import("ws").WebSocket} socket @param {string[]} protocols */
  speak(socket, protocols) {
    /** @type {Map<string, string>} */
    const topics = new Map();
    const token = credentialsIn(protocols).Authorization;
    this.handshakes.push(token);
    /** @param {object} what */
    const say = (what) => this.answer(() => socket.send(JSON.stringify(what)));
    return (/** @type {any} */ data) => {
      const { type, id, payload } = JSON.parse(String(data));
      const errors = [{ errorType: "not_entitled", message: "no" }];
      if (type === "connection_init") {
        if (!this.refusesToken(token)) return say({ type: "connection_ack", payload: {} });
        socket.send(JSON.stringify({ type: "connection_error", payload: { errors } }));
        socket.close();
      } else if (type === "start") {
        const { channel, feed } = JSON.parse(payload.data).variables;
        this.queries.push(JSON.parse(payload.data));
        if (this.fails-- > 0)
          return say({ type: "error", id, payload: { errors: [{ errorType: "InternalFailure" }] } });
        const topic = `${channel}/${feed}`;
        if (this.refuses(topic, payload.extensions.authorization.Authorization))
          return say({ type: "error", id, payload: { errors } });
        topics.set(id, topic);
        this.join(topic, socket, (text) => {
          const onFrame = { channel, feed, frame: text };
          socket.send(JSON.stringify({ type: "data", id, payload: { data: { onFrame } } }));
        });
        say({ type: "start_ack", id });
      } else if (type === "stop") {
        if (topics.has(id)) this.leave(topics.get(id) ?? "", socket);
        else this.probes += 1;
        topics.delete(id);
        say({ type: "complete", id });
      }
    };
  }
}

/** @param {Buffer} bytes @param {number} at @returns {[string, number]} a string of MQTT, and where it ends */
function textAt(bytes, at) {
  const end = at + 2 + bytes.readUInt16BE(at);
  return [bytes.subarray(at + 2, end).toString(), end];
}

/** @param {string} text */
const lengthAndText = (text) => {
  const bytes = Buffer.from(text);
  return Buffer.concat([Buffer.from([bytes.length >> 8, bytes.length & 255]), bytes]);
};

/** A broker: its PUBLISH has QoS 1, and each packet comes in two parts. */
export class Iot extends SocketService {
  /** Packets that the client acknowledged. @type {number[]} */
  acknowledged = [];
  /** @type {string[]} */
  clients = [];
  /** @type {string[]} */
  users = [];
  /** Clients that said goodbye. */
  goodbyes = 0;
  #numbers = 0;

  /** @override */
  get transport() {
    return "iot-core";
  }

  /** @override @param {import("ws").WebSocket} socket */
  speak(socket) {
    let token = "";
    /** @param {Buffer} packet */
    const parts = (packet) => {
      socket.send(packet.subarray(0, 1));
      socket.send(packet.subarray(1));
    };
    /** @param {number} head @param {Buffer} body */
    const say = (head, body) => {
      const length = body.length < 128 ? [body.length] : [(body.length & 127) | 128, body.length >> 7];
      parts(Buffer.concat([Buffer.from([head, ...length]), body]));
    };
    return (/** @type {Buffer} */ bytes) => {
      const type = bytes.readUInt8(0) >> 4;
      // Remaining length of one or two bytes: no test's packet is longer.
      const body = bytes.subarray(bytes.readUInt8(1) < 128 ? 2 : 3);
      if (type === 1) {
        const flags = body.readUInt8(7);
        const [client, user] = textAt(body, 10);
        const [name, password] = textAt(body, user);
        token = flags & 0x40 ? textAt(body, password)[0] : "";
        this.clients.push(client);
        this.users.push(name);
        this.handshakes.push(token);
        this.answer(() => say(0x20, Buffer.from([0, this.refusesToken(token) ? 5 : 0])));
        if (this.refusesToken(token)) socket.close();
      } else if (type === 8) {
        const [topic] = textAt(body, 2);
        if (this.cutsAt(topic)) return socket.close();
        if (!this.refuses(topic, token)) {
          this.join(topic, socket, (text) => {
            const id = ++this.#numbers;
            say(0x32, Buffer.concat([lengthAndText(topic), Buffer.from([id >> 8, id & 255]), Buffer.from(text)]));
          });
        }
        const code = this.refuses(topic, token) ? 0x80 : 1;
        this.answer(() => say(0x90, Buffer.from([...body.subarray(0, 2), code])));
      } else if (type === 10) {
        this.leave(textAt(body, 2)[0], socket);
        this.answer(() => say(0xb0, body.subarray(0, 2)));
      } else if (type === 14) {
        this.goodbyes += 1;
      } else if (type === 4) {
        this.acknowledged.push(body.readUInt16BE(0));
      } else if (type === 12) {
        this.probes += 1;
        this.answer(() => say(0xd0, Buffer.alloc(0)));
      }
    };
  }
}
