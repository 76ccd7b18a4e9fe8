// @ts-check
/** Has the service worker keep the files of this page, so that a reload without a network is not the browser's own
 * error page. The scores themselves are kept by kept.js. */

/** Where there is no service worker (plain HTTP to another machine, private windows) there is nothing to do. */
export async function keepShell() {
  if (!("serviceWorker" in navigator)) return;
  try {
    await navigator.serviceWorker.register("/service-worker.js");
    const { active } = await navigator.serviceWorker.ready;
    const loaded = performance.getEntriesByType("resource").map((entry) => new URL(entry.name));
    const files = loaded.filter((url) => url.origin === location.origin && /\.(js|css|svg|json)$/.test(url.pathname));
    active?.postMessage({ keep: [location.pathname, ...new Set(files.map((url) => url.pathname))] });
  } catch {
    // The page works without.
  }
}
