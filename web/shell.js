// @ts-check
/** Registers the service worker, which stores this page's files, so that a reload without a network shows the page.
 * record-store.js stores the scores. */

/** Without service workers (plain HTTP to another machine, private windows) there is nothing to do. */
export async function keepShell() {
  if (!("serviceWorker" in navigator)) return;
  try {
    await navigator.serviceWorker.register("/service-worker.js");
    const { active } = await navigator.serviceWorker.ready;
    const loaded = performance.getEntriesByType("resource").map((entry) => new URL(entry.name));
    const files = loaded.filter((url) => url.origin === location.origin && /\.(js|css|svg|json)$/.test(url.pathname));
    active?.postMessage({ keep: [location.pathname, ...new Set(files.map((url) => url.pathname))] });
  } catch {
    // The page works without it.
  }
}
