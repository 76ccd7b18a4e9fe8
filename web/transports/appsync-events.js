/**
 * AppSync Events as a transport
 * (https://docs.aws.amazon.com/appsync/latest/eventapi/event-api-websocket-protocol.html).
 */

import { credentials, subprotocol } from "./appsync.js";
import { BroadcastSocket } from "./broadcast-socket.js";

export class AppSyncEventsSocket extends BroadcastSocket {
  /** @override */
  connect() {
    this.dial(this.cell.url, ["aws-appsync-event-ws", subprotocol(this.#credentials)]);
  }

  /** @override */
  dialled() {
    this.#send({ type: "connection_init" });
  }

  /** @param {string} id @param {string} channel @param {string} feed @override */
  join(id, channel, feed) {
    this.#send({ type: "subscribe", id, channel: `/${channel}/${feed}`, authorization: this.#credentials });
  }

  /** @param {string} id @override */
  leave(id) {
    this.#send({ type: "unsubscribe", id });
  }

  /** The service has no ping, and answers an unsubscribe of an unknown id with an error. @override */
  probe() {
    this.leave("probe");
  }

  /** @param {string} text @override */
  heard(text) {
    const { type, id, event, errors } = JSON.parse(text);
    if (type === "connection_ack") this.ready();
    else if (type === "connection_error") this.lost(true);
    else if (type === "subscribe_success") this.joined(id);
    else if (type === "subscribe_error") this.#refuse(id, errors);
    // The documents show an array of one text. Amplify expects a text.
    else if (type === "data") for (const each of [event].flat()) this.frame(id, each);
    else if (type === "broadcast_error") this.skipped(id);
    else this.alive();
  }

  get #credentials() {
    return credentials(this.cell, this.viewer.token);
  }

  /** @param {object} message */
  #send(message) {
    this.transmit(JSON.stringify(message));
  }

  /** @param {string} id @param {unknown} errors */
  #refuse(id, errors) {
    if (/unauthorized|forbidden/i.test(JSON.stringify(errors))) void this.refused(id);
    else this.failed(id);
  }
}
