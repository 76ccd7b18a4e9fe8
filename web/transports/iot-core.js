/**
 * AWS IoT Core as a transport: MQTT 3.1.1 over WebSocket
 * (https://docs.aws.amazon.com/iot/latest/developerguide/mqtt.html). A custom authorizer reads the viewer's token, which
 * is the password of CONNECT and so is not in the address
 * (https://docs.aws.amazon.com/iot/latest/developerguide/custom-auth.html).
 */

import { BroadcastSocket } from "./broadcast-socket.js";
import * as mqtt from "./mqtt.js";

/** In seconds, the most that IoT Core allows (https://docs.aws.amazon.com/general/latest/gr/iot-core.html). */
const KEEP_ALIVE = 1200;

/** A ping goes out so often, in seconds. A page in the background may be a minute late. */
const PING_EVERY = 540;

export class IotCoreSocket extends BroadcastSocket {
  #reader = new mqtt.PacketReader();
  #packets = 0;
  /** Packet's id -> subscription's id. @type {Map<number, string>} */
  #asked = new Map();
  /** Topic -> subscription's id. @type {Map<string, string>} */
  #topics = new Map();

  /** @override */
  connect() {
    const socket = this.dial(this.cell.url, ["mqtt"]);
    /** @type {any} */ (socket).binaryType = "arraybuffer";
  }

  /** @override */
  dialled() {
    const { authorizer } = this.cell;
    // 128 random bits: a client with the id of another one would end the other's connection.
    const random = [...crypto.getRandomValues(new Uint8Array(16))];
    const client = random.map((byte) => byte.toString(16).padStart(2, "0")).join("");
    const name = authorizer ? `?x-amz-customauthorizer-name=${encodeURIComponent(authorizer)}` : "";
    this.transmit(
      mqtt.connect({ client, keepAlive: KEEP_ALIVE, username: `viewer${name}`, password: this.viewer.token }),
    );
  }

  /** @param {string} id @param {string} channel @param {string} feed @override */
  join(id, channel, feed) {
    const topic = `${channel}/${feed}`;
    this.#packets = (this.#packets % 0xffff) + 1;
    this.#asked.set(this.#packets, id);
    this.#topics.set(topic, id);
    this.transmit(mqtt.subscribe(this.#packets, topic));
  }

  /** @param {string} id @param {string} channel @param {string} feed @override */
  leave(id, channel, feed) {
    const topic = `${channel}/${feed}`;
    if (this.#topics.get(topic) !== id) return;
    this.#topics.delete(topic);
    this.#packets = (this.#packets % 0xffff) + 1;
    this.transmit(mqtt.unsubscribe(this.#packets, topic));
  }

  /** @override */
  probe() {
    this.transmit(mqtt.ping());
  }

  /** @param {boolean} dead @override */
  hangUp(dead) {
    if (!dead) this.transmit(mqtt.disconnect());
    super.hangUp(dead);
  }

  /** @param {ArrayBuffer} data @override */
  heard(data) {
    for (const packet of this.#reader.take(new Uint8Array(data))) this.#take(packet);
  }

  /** @param {mqtt.Packet} packet */
  #take({ type, code = 0, id, topic = "", payload }) {
    if (type === mqtt.TYPE.CONNACK) {
      if (code) return this.lost(true);
      this.ready();
      this.#pingLater();
    } else if (type === mqtt.TYPE.SUBACK) {
      const mine = this.#asked.get(id ?? 0) ?? "";
      this.#asked.delete(id ?? 0);
      if (code === mqtt.REFUSED) void this.refused(mine);
      else this.joined(mine);
    } else if (type === mqtt.TYPE.PUBLISH) {
      if (id !== null && id !== undefined) this.transmit(mqtt.puback(id));
      this.frame(this.#topics.get(topic) ?? "", payload);
    } else {
      this.alive();
    }
  }

  /** The service ends a connection on which the client says nothing for 1.5 times the keep-alive. */
  #pingLater() {
    this.after(PING_EVERY, () => {
      this.probe();
      this.#pingLater();
    });
  }
}
