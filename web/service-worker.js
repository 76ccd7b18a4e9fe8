// @ts-check
/**
 * Gives out the page's own files when the network does not: always the network's where it answers, so that nobody is
 * left with an old page. It never touches scores, tokens or anything but a GET of a page or of one of its files.
 */

const CACHE = "livescore-shell-1";
const FILE = /^\/(index\.html|operator\.html|deployment\.json|([\w-]+\/)?[\w-]+\.(js|css|svg))?$/;

/** A network that says nothing for so long counts as none, if there is something to show. */
const PATIENCE = 4_000;

const worker = /** @type {any} */ (globalThis);

worker.addEventListener("install", () => worker.skipWaiting());

worker.addEventListener("activate", (/** @type {any} */ event) => event.waitUntil(begin()));

worker.addEventListener("message", (/** @type {any} */ event) => event.waitUntil(keep(event.data?.keep ?? [])));

worker.addEventListener("fetch", (/** @type {any} */ event) => {
  const url = new URL(event.request.url);
  if (event.request.method !== "GET" || url.origin !== worker.location.origin || !FILE.test(url.pathname)) return;
  event.respondWith(answer(event.request, url.pathname));
});

async function begin() {
  const names = await caches.keys();
  await Promise.all(
    names.filter((name) => name.startsWith("livescore-") && name !== CACHE).map((name) => caches.delete(name)),
  );
  await worker.clients.claim();
}

/** @param {string[]} paths */
async function keep(paths) {
  const cache = await caches.open(CACHE);
  await Promise.allSettled(paths.filter((path) => FILE.test(path)).map((path) => cache.add(path)));
}

/** @param {Request} request @param {string} path */
async function answer(request, path) {
  const kept = await caches.match(path);
  const network = fetch(request).then(async (response) => {
    if (response.ok) await (await caches.open(CACHE)).put(path, response.clone());
    return response;
  });
  if (!kept) return network;
  const late = new Promise((resolve) => setTimeout(resolve, PATIENCE));
  try {
    return (await Promise.race([network, late])) ?? kept;
  } catch {
    return kept;
  }
}
