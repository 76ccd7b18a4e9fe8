/**
 * Momento Topics as a transport: one long poll for each channel
 * (https://docs.momentohq.com/topics/api-reference/http-api). The page uses a token of Momento's that only listens to the
 * topics of one competition. The API gives it for the viewer's token.
 */

import { BroadcastSocket } from "./broadcast-socket.js";
import { namespaceOf } from "./subject.js";

/** A poll without an answer is made again after so many seconds, before a proxy ends it. */
const POLL = 50;

/** A poll that has not been refused for so many seconds has begun. The service does not say so. */
const BEGUN = 0.25;

/** A token is asked for again so many seconds before it ends, at least and at most, and at the earliest after half of its
 * time: thousands of viewers share it. */
const AHEAD = /** @type {const} */ ([30, 600]);

/** The longest pause after a poll that failed, in seconds. */
const PAUSE = 2;

/** After so many polls in a row that the service did not serve, the connection counts as lost. */
const FAILURES = 3;

/** After an answer that brings nothing new the next poll begins no earlier than so many seconds after the last one. */
const EMPTY = 1;

/** The competition of the channels of matches without one. */
const OPEN = "open";

/** Takes the place of the competition in the channel of the messages to this viewer. */
const OWN = "subjects";

/** No topic has this page, so a poll with it is answered at once. */
const NO_PAGE = 1;

/** A poll for that page without an answer is given up after so many seconds. */
const PROBE = 10;

/** The handshake is such a poll. A service that has not refused it for so many seconds may be a slow one. */
const HELLO = 3;

/**
 * @typedef {object} Poll
 * @property {string} topic
 * @property {string} competition
 * @property {AbortController} controller of the request that waits
 * @property {number} next the expected sequence number; 0 before the first message
 * @property {number} page of the sequence numbers
 * @property {boolean} again the request that waits is given up for another one
 * @property {boolean} ended
 */

export class MomentoSocket extends BroadcastSocket {
  /** By subscription. @type {Map<string, Poll>} */
  #polls = new Map();
  /** Of the polls for a page that does not exist. @type {Set<AbortController>} */
  #probes = new Set();
  /** By competition. `until` is in seconds since 1970. @type {Map<string, {token: string, until: number}>} */
  #tokens = new Map();
  /** Whether the service has served a poll for a match. */
  #served = false;

  /** Nothing is opened. The API's answer shows whether the viewer's token is valid, and a poll whether the cell works: a
   * page that found out only at its first match would come back to a dead cell for ever. @override */
  connect() {
    void this.#shakeHands();
  }

  async #shakeHands() {
    const slow = new Promise((resolve) => this.after(this.viewer.timings.helloSeconds ?? HELLO, () => resolve(true)));
    // No match has this topic.
    const hello = { topic: `${namespaceOf(this.cell)}:${OPEN}:hello`, competition: OPEN };
    const works = await this.#token(OPEN).then(
      () => Promise.race([this.#isAnswered(hello), slow]),
      () => false,
    );
    if (this.isOver) return;
    if (!works) return this.lost(true);
    this.opened();
    this.ready();
  }

  /** @param {string} id @param {string} channel @param {string} feed @override */
  join(id, channel, feed) {
    const topic = `${channel}/${feed}`.replaceAll("/", ":");
    const competition = channel.split("/")[1] ?? OPEN;
    const poll = {
      topic,
      competition,
      controller: new AbortController(),
      next: 0,
      page: 0,
      again: false,
      ended: false,
    };
    this.#polls.set(id, poll);
    void this.#listen(id, poll);
  }

  /** @param {string} id @override */
  leave(id) {
    const poll = this.#polls.get(id);
    this.#polls.delete(id);
    if (!poll) return;
    poll.ended = true;
    poll.controller.abort();
  }

  /** A poll that waits says nothing, and may wait on a dead connection: poll anew, and ask for an answer at once.
   * @override */
  probe() {
    const [poll] = this.#polls.values();
    if (!poll) return;
    for (const each of this.#polls.values()) this.#renew(each);
    void this.#isAnswered(poll).then((answered) => {
      if (!answered) return;
      this.word();
      this.alive();
    });
  }

  /** Whether the service answers a poll for a page that does not exist. @param {{topic: string, competition: string}} poll */
  async #isAnswered({ topic, competition }) {
    if (this.isOver) return false;
    const controller = new AbortController();
    const stop = this.after(PROBE, () => controller.abort());
    this.#probes.add(controller);
    try {
      const answer = await this.#ask({ topic, competition, next: 1, page: NO_PAGE }, controller.signal);
      await answer.text();
      // Momento documents no answer for such a page. One that says so works too.
      return answer.ok || answer.status === 400;
    } catch {
      return false;
    } finally {
      stop();
      this.#probes.delete(controller);
    }
  }

  /** @override */
  hangUp() {
    for (const id of [...this.#polls.keys()]) this.leave(id);
    for (const probe of this.#probes) probe.abort();
  }

  /** @param {Poll} poll */
  #renew(poll) {
    poll.again = true;
    poll.controller.abort();
  }

  /** Poll until the subscription ends. @param {string} id @param {Poll} poll */
  async #listen(id, poll) {
    for (let failures = 0; !poll.ended; ) {
      const begun =
        poll.next === 0 ? this.after(this.viewer.timings.beginSeconds ?? BEGUN, () => this.joined(id)) : () => {};
      // Before the first message nothing says where to go on: what comes between two polls is only at the API.
      if (poll.next === 0) this.look(id);
      const status = await this.#poll(id, poll).catch(() => 0);
      if (poll.ended || this.isOver) return;
      if (status === 200) {
        failures = 0;
        this.#served = true;
        continue;
      }
      begun();
      // A connection on which no poll was served did not open: the page goes on to the next cell.
      if (status === 401) this.#tokens.delete(poll.competition);
      // There are few tokens for own messages. The matches go on without one, and Livescore listens again.
      if (poll.competition === OWN && status !== 403) return this.failed(id);
      if (!status) return this.lost(!this.#served);
      if (status === 403) return void this.refused(id);
      failures += 1;
      if (failures >= FAILURES) return this.lost(!this.#served);
      await new Promise((resolve) => this.after(PAUSE * this.viewer.random(), () => resolve(null)));
    }
  }

  /** One poll; returns the status of the answer. @param {string} id @param {Poll} poll */
  async #poll(id, poll) {
    poll.controller = new AbortController();
    poll.again = false;
    const stop = this.after(POLL, () => this.#renew(poll));
    const asked = Date.now();
    try {
      const answer = await this.#ask(poll, poll.controller.signal);
      if (answer.status !== 200) return answer.status;
      const { items } = await answer.json();
      this.word();
      const { next, page } = poll;
      if (!poll.ended) this.#take(id, poll, items);
      // Something that answers for Momento, such as a proxy, is not asked without a pause.
      const pause = poll.next !== next || poll.page !== page ? 0 : EMPTY - (Date.now() - asked) / 1000;
      if (pause > 0) await new Promise((resolve) => this.after(pause, () => resolve(null)));
      return 200;
    } catch (error) {
      if (poll.again) return 200;
      return /** @type {any} */ (error).status ?? 0;
    } finally {
      stop();
    }
  }

  /** @param {Pick<Poll, "topic" | "competition" | "next" | "page">} poll @param {AbortSignal} signal @returns {Promise<Response>} */
  async #ask({ topic, competition, next, page }, signal) {
    const token = await this.#token(competition);
    const { url, cache } = this.cell;
    const path = `/topics/${encodeURIComponent(cache ?? "")}/${encodeURIComponent(topic)}`;
    return this.viewer.fetch(`${url}${path}?sequence_number=${next}&sequence_page=${page}`, {
      signal,
      headers: { authorization: token },
      credentials: "omit",
      cache: "no-store",
    });
  }

  /** @param {string} id @param {Poll} poll @param {any[]} items */
  #take(id, poll, items) {
    if (!items.length) this.alive();
    for (const { item, discontinuity } of items) {
      if (item) {
        Object.assign(poll, { next: item.topic_sequence_number + 1, page: item.sequence_page });
        this.joined(id);
        this.frame(id, item.value.text);
      } else if (discontinuity) {
        Object.assign(poll, { next: discontinuity.new_topic_sequence, page: discontinuity.new_sequence_page });
        this.alive();
        this.skipped(id);
      }
    }
  }

  /** The token of a competition. Rejects with the `status` of the API's answer. @param {string} competition */
  async #token(competition) {
    const known = this.#tokens.get(competition);
    const { read, token, now, random } = this.viewer;
    if (known && known.until > now() / 1000) return known.token;
    const wanted = competition === OWN ? { subject: "me" } : { competition };
    const path = `/listeners/momento?${new URLSearchParams([["cell", this.cell.name ?? ""], ...Object.entries(wanted)])}`;
    const given = /** @type {any} */ (await read(path, token ? { authorization: `Bearer ${token}` } : {}));
    const [least, most] = AHEAD;
    const left = given.expires - now() / 1000;
    const ahead = Math.max(least, Math.min(least + random() * (most - least), left / 2));
    this.#tokens.set(competition, { token: given.token, until: given.expires - ahead });
    return /** @type {string} */ (given.token);
  }
}
