// @ts-check
/** The presses that need the operator's decision before they are sent, and the effects of the decisions. */

import { newId } from "./outbox.js";
import { asAnother, confirmed, dropped, questions } from "./waiting.js";

/** @typedef {import("./waiting.js").Question} Question */

export class Asking {
  /**
   * @param {import("./parts.js").Parts} parts
   * @param {object} on
   * @param {() => void} on.identify when nobody is signed in
   * @param {(text: string) => void} on.say to those who hear the page
   */
  constructor(parts, on) {
    this.with = parts;
    this.on = on;
    this.post = this.post.bind(this);
    this.drop = this.drop.bind(this);
  }

  /** Post waiting entries, which from now on belong to the operator who decided that. @param {readonly Question[]} asked */
  post(asked) {
    const { store, tokens, postman, now } = this.with;
    const as = { by: tokens.subject, now: now() };
    if (as.by === null && tokens.about === null) return this.on.identify();
    for (const match of new Set(asked.map((each) => each.match))) {
      const [again, ids] = [asked.filter((each) => each.again), asked.map((each) => each.id)];
      const entries = store.entries(match);
      store.put(...confirmed(entries, ids, as.by, as.now));
      store.put(...again.flatMap(({ id }) => asAnother(entries, id, { ...as, id: newId(crypto) })));
      postman.call(match);
    }
    this.on.say("It goes out now.");
  }

  /** @param {Question} asked */
  drop({ match, id }) {
    const { store, tokens, postman, now } = this.with;
    store.put(...dropped(store.entries(match), id, tokens.subject, now()));
    postman.call(match);
    this.on.say("It is dropped.");
  }

  /** The open questions, the keys of the entries that wait for the operator, and the other entries. */
  look() {
    const { actions, store, shelf, tokens, waits, now } = this.with;
    const at = { subject: tokens.subject, now: now() };
    const all = store.entries();
    /** @type {Set<string>} */
    const held = new Set();
    const open = [...new Set(all.map((entry) => entry.match))].flatMap((match) => {
      const entries = all.filter((entry) => entry.match === match);
      const waiting = waits(match);
      for (const id of waiting.keys()) held.add(`${match}/${id}`);
      const board = match === actions.match ? actions.board : (shelf.get(`desk.${match}`)?.value ?? null);
      return questions(entries, waiting, { ...at, board });
    });
    return { open, held: [...held].join(" "), free: all.filter((entry) => !held.has(`${entry.match}/${entry.id}`)) };
  }
}
