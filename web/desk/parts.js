// @ts-check
/** The parts of the desk that store and send entries; no part of the page. */

import { RecordStore } from "../device-store.js";
import { Livescore } from "../livescore.js";
import { Reader, viewerToken } from "../origin.js";
import { Actions } from "./actions.js";
import { FollowUp } from "./follow-up.js";
import { OperatorToken } from "./operator-token.js";
import { OutboxStore, storageOf } from "./outbox-store.js";
import { Postman } from "./postman.js";
import { waiting } from "./waiting.js";

/** The path under which the site passes requests to the operators' API. */
export const BASE = "/operators";

/** @typedef {ReturnType<typeof partsOf>} Parts */

/** @param {import("./deployment.js").Deployment} deployment */
export function partsOf({ cells, operators }) {
  const token = viewerToken();
  const live = new Livescore({ cells, token: async () => token });
  const now = () => live.now();
  /** @type {typeof fetch} */
  const request = (...about) => fetch(...about);
  const storage = storageOf(window);
  const store = new OutboxStore(storage);
  const shelf = new RecordStore(() => window.localStorage);
  const tokens = new OperatorToken(operators, window, now);
  const reader = new Reader(request, (answer, sentAt) => live.observe(answer, sentAt));
  /** @param {string} match */
  const waits = (match) => waiting(store.entries(match), { subject: tokens.subject, now: now() });
  const postman = new Postman({
    store,
    tokens,
    waits,
    fetch: request,
    base: BASE,
    locks: navigator.locks,
    online: () => navigator.onLine,
    epochOf: async (match) => (await reader.match(match)).epoch,
    now,
  });
  const actions = new Actions({
    store,
    crypto,
    now,
    ticks: () => performance.now(),
    subject: () => tokens.subject,
    name: () => tokens.about?.name ?? null,
    waits,
    posted: (match) => postman.call(match),
  });
  const followUp = new FollowUp({
    store,
    tokens,
    waits,
    fetch: request,
    base: BASE,
    now,
    regions: cells.map(({ name = "" }) => name),
    acceptedAt: (match, id) =>
      match === actions.match ? actions.board?.events.find((event) => event.event_id === id)?.at : undefined,
  });
  return { live, now, fetch: request, storage, store, shelf, tokens, reader, waits, postman, actions, followUp };
}
