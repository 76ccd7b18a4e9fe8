// @ts-check
/** The desk's windows: how they open, close and show mistakes; and the windows for the token and the keys. */

import { el, setText } from "../dom.js";
import { BINDINGS } from "./keys.js";

/** @template {HTMLElement} T @param {string} id @returns {T} */
const byId = (id) => /** @type {T} */ (document.getElementById(id));

export class Dialogs {
  /** @type {Map<string, () => void | string | Promise<void | string>>} */
  #submits = new Map();
  /** @type {Set<string>} */
  #underWay = new Set();

  constructor() {
    for (const dialog of document.querySelectorAll("dialog")) {
      dialog.addEventListener("close", () => {
        // The browser returns the focus to the element that had it; without one, the desk gets it.
        if (document.activeElement === document.body || document.activeElement === null)
          byId("desk").focus({ preventScroll: true });
      });
      for (const button of dialog.querySelectorAll("[data-close]"))
        button.addEventListener("click", () => dialog.close());
      dialog.querySelector("form")?.addEventListener("submit", (event) => {
        event.preventDefault();
        void this.#submit(dialog);
      });
    }
    byId("keys").append(
      ...BINDINGS.map(({ shown, does }) => el("div", {}, el("dt", {}, el("kbd", {}, shown)), el("dd", {}, does))),
    );
  }

  /** Whether a window is open. */
  get open() {
    return document.querySelector("dialog[open]") !== null;
  }

  /**
   * Open a window. `submit` returns a sentence about a mistake, or nothing; then the window closes.
   *
   * @param {string} id
   * @param {() => void | string | Promise<void | string>} [submit]
   */
  show(id, submit) {
    const dialog = /** @type {HTMLDialogElement} */ (byId(id));
    this.#submits.set(id, submit ?? (() => {}));
    this.#wrong(dialog, "");
    if (!dialog.open) dialog.showModal();
  }

  /** @param {{about: string, canSignIn: boolean, signIn: () => void, signOut: () => void, paste: (text: string) => string}} how */
  token({ about, canSignIn, signIn, signOut, paste }) {
    setText(byId("token-about"), about);
    byId("sign-in-row").hidden = !canSignIn;
    byId("sign-in").onclick = signIn;
    byId("sign-out").onclick = () => {
      signOut();
      /** @type {HTMLDialogElement} */ (byId("token")).close();
    };
    const text = /** @type {HTMLInputElement} */ (byId("token-text"));
    text.value = "";
    this.show("token", () => {
      const wrong = paste(text.value);
      if (!wrong) text.value = "";
      return wrong;
    });
  }

  /** Close a window. @param {string} id */
  close(id) {
    /** @type {HTMLDialogElement} */ (byId(id)).close();
  }

  /** @param {HTMLDialogElement} dialog */
  async #submit(dialog) {
    // A second Enter during the first one is the same.
    if (this.#underWay.has(dialog.id)) return;
    this.#underWay.add(dialog.id);
    try {
      const wrong = await this.#submits.get(dialog.id)?.();
      this.#wrong(dialog, wrong || "");
      if (!wrong) dialog.close();
    } finally {
      this.#underWay.delete(dialog.id);
    }
  }

  /** @param {HTMLDialogElement} dialog @param {string} text */
  #wrong(dialog, text) {
    const place = dialog.querySelector(".wrong");
    if (place) setText(place, text);
  }
}
