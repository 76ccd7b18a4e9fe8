// @ts-check
/**
 * Serves the page's own files if the network does not answer. An answer of the network always comes first, so no viewer
 * gets an old page. It handles only a GET of a page or of its files, never scores or tokens. On a full disk it stores
 * fewer files.
 */

const CACHE = "livescore-shell-1";
const FILE = /^\/(index\.html|operator\.html|deployment\.json|([\w-]+\/)?[\w-]+\.(js|css|svg))?$/;

/** After this long without an answer the stored file is served, if there is one. */
const PATIENCE = 4_000;

const worker = /** @type {any} */ (globalThis);

worker.addEventListener("install", () => worker.skipWaiting());

worker.addEventListener("activate", (/** @type {any} */ event) => event.waitUntil(begin()));

worker.addEventListener("message", (/** @type {any} */ event) => event.waitUntil(keep(event.data?.keep ?? [])));

worker.addEventListener("fetch", (/** @type {any} */ event) => {
  const url = new URL(event.request.url);
  if (event.request.method !== "GET" || url.origin !== worker.location.origin || !FILE.test(url.pathname)) return;
  /** @type {Promise<Response>} */
  const network = fetch(event.request);
  // The page does not wait for the storage.
  event.waitUntil(network.then((response) => put(url.pathname, response)).catch(() => {}));
  event.respondWith(answer(network, url.pathname));
});

async function begin() {
  await worker.clients.claim();
  const names = await caches.keys();
  await Promise.all(
    names.filter((name) => name.startsWith("livescore-") && name !== CACHE).map((name) => caches.delete(name)),
  );
}

/** @param {string[]} paths */
async function keep(paths) {
  const cache = await caches.open(CACHE);
  await Promise.allSettled(paths.filter((path) => FILE.test(path)).map((path) => cache.add(path)));
}

/** @param {string} path @param {Response} response */
async function put(path, response) {
  if (!response.ok) return;
  // At once, before the page reads it.
  const copy = response.clone();
  await (await caches.open(CACHE)).put(path, copy);
}

/** @param {Promise<Response>} network @param {string} path */
async function answer(network, path) {
  const kept = await caches.match(path).catch(() => undefined);
  if (!kept) return network;
  const late = new Promise((resolve) => setTimeout(resolve, PATIENCE));
  try {
    const response = await Promise.race([network, late]);
    return response && !isWorse(response, path) ? response : kept;
  } catch {
    return kept;
  }
}

/**
 * Whether the stored file is better than an answer. A 5xx says nothing about the page. A page that is gone is gone. But
 * only a stored page asks for a file that is gone, so the stored file fits it.
 *
 * @param {Response} response
 * @param {string} path
 */
function isWorse({ ok, status }, path) {
  return status >= 500 || (!ok && /\.(js|css|svg)$/.test(path));
}
