/** The packets of MQTT 3.1.1, byte by byte. */

import assert from "node:assert/strict";
import { test } from "node:test";
import * as mqtt from "../../web/transports/mqtt.js";

/** @param {Uint8Array} bytes */
const hex = (bytes) => Buffer.from(bytes).toString("hex");

/** @param {string} text @returns {number[]} */
const chars = (text) => [...Buffer.from(text)];

/** A PUBLISH with QoS 0. @param {string} payload */
function publish(payload) {
  const body = [0, 1, ...chars("t"), ...chars(payload)];
  const length = [];
  for (let rest = body.length; ; rest >>= 7) {
    length.push(rest > 127 ? (rest & 127) | 128 : rest);
    if (rest <= 127) break;
  }
  return Uint8Array.from([0x30, ...length, ...body]);
}

test("CONNECT states protocol level 4, a clean session, the keep-alive, and the password if there is one", () => {
  const about = { client: "c", keepAlive: 1200, username: "u" };
  assert.equal(
    hex(mqtt.connect({ ...about, password: null })),
    "101000044d5154540482 04b0 000163 000175".replaceAll(" ", ""),
  );
  assert.equal(
    hex(mqtt.connect({ ...about, password: "p" })),
    "1013 00044d51545404c2 04b0 000163 000175 000170".replaceAll(" ", ""),
  );
});

test("SUBSCRIBE asks for QoS 1, and the other packets are as short as they can be", () => {
  assert.equal(hex(mqtt.subscribe(258, "a/b")), "820801020003612f6201");
  assert.equal(hex(mqtt.unsubscribe(3, "a/b")), "a20700030003612f62");
  assert.equal(hex(mqtt.puback(258)), "40020102");
  assert.equal(hex(mqtt.ping()), "c000");
  assert.equal(hex(mqtt.disconnect()), "e000");
});

test("a packet of 128 bytes or more has a length of several bytes, in both directions", () => {
  const topic = "x".repeat(200);
  assert.equal(hex(mqtt.subscribe(1, topic)).slice(0, 6), "82cd01");
  for (const size of [0, 124, 125, 16_380, 16_381, 100_000]) {
    const [packet] = new mqtt.PacketReader().take(publish("é".repeat(size / 2)));
    assert.equal(packet?.payload, "é".repeat(size / 2));
  }
});

test("packets are read whole, however the bytes come", () => {
  const all = [
    [0x20, 2, 0, 5],
    [0x90, 3, 1, 2, 0x80],
    [0xb0, 2, 1, 3],
    [0x32, 8, 0, 1, 116, 0, 9, 111, 110, 101],
    [0x30, 6, 0, 1, 116, 116, 119, 111],
    [0xd0, 0],
  ];
  const wanted = [
    { type: 2, code: 5 },
    { type: 9, id: 258, code: 0x80 },
    { type: 11, id: 259 },
    { type: 3, topic: "t", id: 9, payload: "one" },
    { type: 3, topic: "t", id: null, payload: "two" },
    { type: 13 },
  ];
  const bytes = all.flat();
  for (const size of [1, 2, 3, 7, bytes.length]) {
    const reader = new mqtt.PacketReader();
    const read = [];
    for (let at = 0; at < bytes.length; at += size)
      read.push(...reader.take(Uint8Array.from(bytes.slice(at, at + size))));
    assert.deepEqual(read, wanted, `${size} bytes at once`);
  }
});

test("a length that no packet of ours has is an error, and takes no memory", () => {
  for (const bytes of [
    [0x30, 0xff, 0xff, 0xff, 0xff, 0x01],
    [0x30, 0xff, 0xff, 0xff, 0x7f],
  ])
    assert.throws(() => new mqtt.PacketReader().take(Uint8Array.from(bytes)), /no MQTT/);
});
