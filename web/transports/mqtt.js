/**
 * Pure: the packets of MQTT 3.1.1 that a subscriber needs
 * (https://docs.oasis-open.org/mqtt/mqtt/v3.1.1/os/mqtt-v3.1.1-os.html; the numbers below are its sections).
 */

/** The types of packets (2.2.1). */
export const TYPE = Object.freeze({ CONNACK: 2, PUBLISH: 3, SUBACK: 9, UNSUBACK: 11, PINGRESP: 13 });

/** A SUBACK's return code for a refused subscription (3.9.3). */
export const REFUSED = 0x80;

/** A packet that is longer is not ours: AWS IoT Core's payloads have at most 128 KB. */
const LONGEST = 256 * 1024;

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** @param {number} value @returns {number[]} */
const twoBytes = (value) => [value >> 8, value & 0xff];

/** @param {string} value @returns {number[]} a string with its length before it (1.5.3) */
function text(value) {
  const bytes = encoder.encode(value);
  return [...twoBytes(bytes.length), ...bytes];
}

/** @param {number} head type and flags @param {number[]} body @returns {Uint8Array} */
function packet(head, body) {
  const length = [];
  for (let rest = body.length; length.length === 0 || rest > 0; rest >>= 7)
    length.push((rest & 0x7f) | (rest > 0x7f ? 0x80 : 0));
  return Uint8Array.from([head, ...length, ...body]);
}

/**
 * CONNECT (3.1) with a clean session.
 *
 * @param {{client: string, keepAlive: number, username: string, password: string | null}} about `keepAlive` in seconds
 */
export function connect({ client, keepAlive, username, password }) {
  const flags = 0x82 | (password === null ? 0 : 0x40);
  const end = password === null ? [] : text(password);
  return packet(0x10, [...text("MQTT"), 4, flags, ...twoBytes(keepAlive), ...text(client), ...text(username), ...end]);
}

/** SUBSCRIBE (3.8) with QoS 1. @param {number} id @param {string} topic */
export const subscribe = (id, topic) => packet(0x82, [...twoBytes(id), ...text(topic), 1]);

/** UNSUBSCRIBE (3.10). @param {number} id @param {string} topic */
export const unsubscribe = (id, topic) => packet(0xa2, [...twoBytes(id), ...text(topic)]);

/** PUBACK (3.4): the answer to a PUBLISH with QoS 1. @param {number} id */
export const puback = (id) => packet(0x40, twoBytes(id));

/** PINGREQ (3.12). */
export const ping = () => packet(0xc0, []);

/** DISCONNECT (3.14). */
export const disconnect = () => packet(0xe0, []);

/**
 * @typedef {object} Packet
 * @property {number} type
 * @property {number} [code] of CONNACK and SUBACK
 * @property {number | null} [id] of SUBACK and UNSUBACK, and of a PUBLISH with QoS 1
 * @property {string} [topic] of PUBLISH
 * @property {string} [payload] of PUBLISH
 */

/**
 * Takes the packets out of a stream of bytes. A message of the WebSocket may hold a part of a packet, or several (6.0).
 */
export class PacketReader {
  #rest = new Uint8Array();

  /** The packets that are whole with these bytes. Throws if the bytes are no MQTT. @param {Uint8Array} bytes @returns {Packet[]} */
  take(bytes) {
    const all = new Uint8Array(this.#rest.length + bytes.length);
    all.set(this.#rest);
    all.set(bytes, this.#rest.length);
    const packets = [];
    let at = 0;
    for (;;) {
      const found = lengthAt(all, at + 1);
      if (!found || found.begin + found.length > all.length) break;
      const end = found.begin + found.length;
      packets.push(read(all[at] ?? 0, all.subarray(found.begin, end)));
      at = end;
    }
    this.#rest = all.slice(at);
    return packets;
  }
}

/** The remaining length of a packet (2.2.3); null if the bytes end before it does.
 * @param {Uint8Array} bytes @param {number} at @returns {{length: number, begin: number} | null} */
function lengthAt(bytes, at) {
  let length = 0;
  for (let digit = 0; ; digit++) {
    const byte = bytes[at + digit];
    if (byte === undefined) return null;
    length += (byte & 0x7f) << (7 * digit);
    if (digit > 3 || length > LONGEST) throw new Error("This is no MQTT.");
    if (byte < 0x80) return { length, begin: at + digit + 1 };
  }
}

/** @param {number} head @param {Uint8Array} body @returns {Packet} */
function read(head, body) {
  const type = head >> 4;
  /** @param {number} at */
  const number = (at) => ((body[at] ?? 0) << 8) | (body[at + 1] ?? 0);
  if (type === TYPE.CONNACK) return { type, code: body[1] };
  if (type === TYPE.SUBACK) return { type, id: number(0), code: body[2] };
  if (type === TYPE.UNSUBACK) return { type, id: number(0) };
  if (type !== TYPE.PUBLISH) return { type };
  const qos = (head >> 1) & 3;
  const topicEnd = 2 + number(0);
  const topic = decoder.decode(body.subarray(2, topicEnd));
  const id = qos ? number(topicEnd) : null;
  return { type, topic, id, payload: decoder.decode(body.subarray(topicEnd + (qos ? 2 : 0))) };
}
