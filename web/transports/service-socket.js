/**
 * A connection to a service that looks like a WebSocket to Livescore: handlers on this side, the service's own WebSocket
 * on the other.
 *
 * @import { Cell, WebSocketLike } from "../livescore.js"
 * @import { Viewer } from "./broadcast-socket.js"
 */

/** @implements {WebSocketLike} */
export class ServiceSocket {
  /** @type {WebSocketLike["onopen"]} */
  onopen = null;
  /** @type {WebSocketLike["onmessage"]} */
  onmessage = null;
  /** @type {WebSocketLike["onerror"]} */
  onerror = null;
  /** @type {WebSocketLike["onclose"]} */
  onclose = null;
  /** @type {WebSocketLike | null} */
  #socket = null;
  /** @type {Set<ReturnType<typeof setTimeout>>} */
  #timers = new Set();
  #over = false;
  /** Called at the service's next word. @type {Set<() => void>} */
  #listeners = new Set();

  /** @param {Cell} cell @param {Viewer} viewer */
  constructor(cell, viewer) {
    this.cell = cell;
    this.viewer = viewer;
    // As a WebSocket does: the caller sets the handlers first.
    queueMicrotask(() => this.#begin());
  }

  // ---- a transport has these

  /** Open the connection, then call `opened`. */
  connect() {}

  /** The WebSocket of `dial` is open: ask to be let in. */
  dialled() {}

  /** The WebSocket of `dial` has brought a message; an error means that it is none of the service. @param {any} _data */
  heard(_data) {}

  /** End the connection. @param {boolean} dead whether no answer can be expected */
  hangUp(dead) {
    const socket = this.#socket;
    this.#socket = null;
    if (!socket) return;
    socket.onopen = socket.onmessage = socket.onclose = null;
    if (dead) socket.terminate?.();
    socket.close(1000);
  }

  /** The service has ended the connection. */
  ended() {}

  // ---- a transport calls these

  /** Open a WebSocket to the service. @param {string} url @param {string[]} protocols @returns {WebSocketLike} */
  dial(url, protocols) {
    const socket = new this.viewer.WebSocket(url, protocols);
    this.#socket = socket;
    socket.onopen = () => {
      this.opened();
      this.dialled();
    };
    socket.onmessage = ({ data }) => {
      this.word();
      try {
        this.heard(data);
      } catch {
        // Not the service's.
      }
    };
    socket.onclose = () => this.lost();
    socket.onerror = () => {};
    return socket;
  }

  /** Send a message over the WebSocket of `dial`. @param {any} message */
  transmit(message) {
    try {
      this.#socket?.send(message);
    } catch {
      this.lost();
    }
  }

  /** The way to the service is open; nothing has come through it yet. */
  opened() {
    if (!this.#over) this.onopen?.({});
  }

  /** The service has said something. */
  word() {
    for (const listener of this.#listeners) listener();
    this.#listeners.clear();
  }

  /** Resolves at the service's next word. @returns {Promise<void>} */
  nextWord() {
    return new Promise((resolve) => this.#listeners.add(resolve));
  }

  /** The service's word was no frame. For Livescore an object without a type is a sign of life. */
  alive() {
    this.deliver({});
  }

  /** @param {Record<string, unknown>} frame */
  deliver(frame) {
    if (!this.#over) this.onmessage?.({ data: JSON.stringify(frame) });
  }

  /** The connection is gone, or did not open. @param {boolean} [refused] the service does not let the viewer in */
  lost(refused = false) {
    if (this.#over) return;
    this.ended();
    this.#end(true);
    this.onclose?.({ refused });
  }

  /** After the end of the connection nothing is called. @param {number} wait in seconds @param {() => void} call
   * @returns {() => void} stops it */
  after(wait, call) {
    if (this.#over) return () => {};
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      call();
    }, wait * 1000);
    this.#timers.add(timer);
    return () => {
      this.#timers.delete(timer);
      clearTimeout(timer);
    };
  }

  get isOver() {
    return this.#over;
  }

  // ---- Livescore calls these

  /** @param {string} _text */
  send(_text) {}

  close() {
    this.#end(false);
  }

  terminate() {
    this.#end(true);
  }

  #begin() {
    if (this.#over) return;
    try {
      this.connect();
    } catch {
      // The error of a WebSocket may hold the token.
      this.lost();
    }
  }

  /** @param {boolean} dead */
  #end(dead) {
    if (this.#over) return;
    this.#over = true;
    for (const timer of this.#timers) clearTimeout(timer);
    this.hangUp(dead);
  }
}
