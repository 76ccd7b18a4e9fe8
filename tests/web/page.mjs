/** The part of a browser's window that the library uses, for tests in Node: a network and a tab that a test switches.
 * */

export class Page extends EventTarget {
  navigator = { onLine: true };
  document = Object.assign(new EventTarget(), { visibilityState: "visible" });

  /** @param {boolean} onLine */
  online(onLine) {
    this.navigator.onLine = onLine;
    this.dispatchEvent(new Event(onLine ? "online" : "offline"));
  }

  /** @param {"visible" | "hidden"} state */
  turn(state) {
    this.document.visibilityState = state;
    this.document.dispatchEvent(new Event("visibilitychange"));
  }
}
