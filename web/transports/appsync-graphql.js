/**
 * AppSync GraphQL subscriptions as a transport
 * (https://docs.aws.amazon.com/appsync/latest/devguide/real-time-websocket-client.html). The schema is
 * terraform/graphql/schema.graphql. The service itself filters the score from all events.
 */

import { credentials, subprotocol } from "./appsync.js";
import { BroadcastSocket } from "./broadcast-socket.js";

const QUERY = `subscription ($channel: String!, $feed: String!) {
  onFrame(channel: $channel, feed: $feed) { channel feed frame }
}`;

export class AppSyncGraphQLSocket extends BroadcastSocket {
  /** @override */
  connect() {
    this.dial(this.cell.url, ["graphql-ws", subprotocol(this.#credentials)]);
  }

  /** @override */
  dialled() {
    this.#send({ type: "connection_init" });
  }

  /** @param {string} id @param {string} channel @param {string} feed @override */
  join(id, channel, feed) {
    const data = JSON.stringify({ query: QUERY, variables: { channel, feed } });
    this.#send({ type: "start", id, payload: { data, extensions: { authorization: this.#credentials } } });
  }

  /** @param {string} id @override */
  leave(id) {
    this.#send({ type: "stop", id });
  }

  /** The service has no ping, and answers a stop of an unknown id. @override */
  probe() {
    this.leave("probe");
  }

  /** @param {string} text @override */
  heard(text) {
    const { type, id, payload } = JSON.parse(text);
    if (type === "connection_ack") this.ready();
    else if (type === "connection_error") this.lost(true);
    else if (type === "start_ack") this.joined(id);
    else if (type === "error") this.#refuse(id, payload);
    else if (type === "data") this.frame(id, payload.data.onFrame.frame);
    else this.alive();
  }

  get #credentials() {
    return credentials(this.cell, this.viewer.token);
  }

  /** @param {object} message */
  #send(message) {
    this.transmit(JSON.stringify(message));
  }

  /** @param {string} id @param {unknown} payload */
  #refuse(id, payload) {
    if (/not_entitled|unauthorized|forbidden/i.test(JSON.stringify(payload))) void this.refused(id);
    else this.failed(id);
  }
}
