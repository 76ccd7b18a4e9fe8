/** Momento Topics as a server in the test's process. */

import { listening, Service } from "./services.mjs";

/** Momento Topics: long polls over HTTP. */
export class Momento extends Service {
  page = 7;
  /** @type {{url: string, authorization: string}[]} */
  requests = [];
  /** Tokens that are not valid any more. @type {string[]} */
  ends = [];
  /** Status of the answers to polls. */
  status = 200;
  /** Status of the answers to handshakes: polls of no match. */
  hello = 200;
  /** A service that says nothing hangs up after so many ms; 0: never. */
  hangsUp = 0;
  /** @type {Map<string, any[]>} */
  #items = new Map();
  /** @type {Set<import("node:http").ServerResponse>} */
  #waiting = new Set();

  /** @override @param {import("node:test").TestContext} t @param {import("./services.mjs").Api} api */
  async start(t, api) {
    api.grants = (token, competition) => {
      // The adapter asks for this one first, as others shake hands.
      if (competition !== "open") return this.refuses(`livescore/${competition}/`, token) ? 403 : 200;
      this.handshakes.push(token || "anonymous");
      return this.refusesToken(token) ? 401 : 200;
    };
    const { host } = await listening(t, (request, answer) => {
      const { url = "", headers } = request;
      const isHello = url.includes("%3Ahello?");
      if (!isHello) this.requests.push({ url, authorization: headers.authorization ?? "" });
      answer.statusCode = this.ends.includes(headers.authorization ?? "") ? 401 : isHello ? this.hello : this.status;
      if (this.deaf && this.hangsUp) setTimeout(() => answer.destroy(), this.hangsUp);
      if (answer.statusCode === 200) this.#poll(new URL(url, "http://m"), answer, isHello);
      else answer.end("{}");
    });
    this.cell = { transport: "momento", name: "one", url: `http://${host}`, cache: "live" };
    return this;
  }

  /** @param {URL} url @param {import("node:http").ServerResponse} answer @param {boolean} isHello */
  #poll({ pathname, searchParams }, answer, isHello) {
    const [next, page] = ["sequence_number", "sequence_page"].map((name) => Number(searchParams.get(name)));
    const topic = decodeURIComponent(pathname.split("/")[3] ?? "").replaceAll(":", "/");
    const items = this.#items.get(topic) ?? [];
    this.#items.set(topic, items);
    if (this.deaf) return;
    if (page && page !== this.page) {
      if (!isHello) this.probes += 1;
      answer.end(
        JSON.stringify({ items: [{ discontinuity: { new_topic_sequence: 1, new_sequence_page: this.page } }] }),
      );
    } else if (next && items.length >= next) {
      answer.end(JSON.stringify({ items: items.slice(next - 1) }));
    } else {
      if (!next) this.joined.push(topic);
      this.topics.set(
        topic,
        (this.topics.get(topic) ?? new Map()).set(answer, () => {
          this.topics.get(topic)?.delete(answer);
          answer.end(JSON.stringify({ items: items.slice(-1) }));
        }),
      );
      this.#waiting.add(answer);
      answer.on("close", () => {
        if (!answer.writableEnded) this.left.push(topic);
        this.topics.get(topic)?.delete(answer);
        this.#waiting.delete(answer);
      });
    }
  }

  /** @override @param {string} topic @param {object} what */
  publish(topic, what) {
    const items = this.#items.get(topic) ?? [];
    this.#items.set(topic, items);
    const value = { text: JSON.stringify(what) };
    items.push({ item: { topic_sequence_number: items.length + 1, sequence_page: this.page, value } });
    super.publish(topic, what);
  }

  /** Skip messages: the next poll hears of a gap. */
  skip() {
    for (const answer of this.#waiting) {
      const discontinuity = { last_topic_sequence: 0, new_topic_sequence: 1, new_sequence_page: this.page };
      answer.end(JSON.stringify({ items: [{ discontinuity }] }));
    }
  }

  /** @override */
  cut() {
    for (const answer of this.#waiting) answer.destroy();
  }
}
