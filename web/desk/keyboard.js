// @ts-check
/** The desk's keys: turns the browser's events into acts; and the switch that turns the keys off. */

import { bindingOf, isForeign } from "./keys.js";

const KEYS_OFF = "livescore.operator.keys-off";

/** `KeyboardEvent.keyCode` of an input method's keys, also if `isComposing` is not set (UI Events, 7.3.1). */
const INPUT_METHOD = 229;

export class Keyboard {
  /** Whether the last typed letter was not Latin. */
  #foreign = false;

  /**
   * @param {object} how
   * @param {() => boolean} how.busy whether a window is open, which has the keys then
   * @param {(action: string, side: "home" | "away") => void} how.act
   * @param {() => void} how.leave the field that is typed in
   * @param {HTMLInputElement} how.on the switch
   * @param {Storage | null} how.storage keeps the switch
   */
  constructor({ busy, act, leave, on, storage }) {
    on.checked = remembered(storage) === null;
    on.addEventListener("change", () => {
      try {
        if (on.checked) storage?.removeItem(KEYS_OFF);
        else storage?.setItem(KEYS_OFF, "1");
      } catch {
        // Then the setting lasts until the page is closed.
      }
    });
    document.addEventListener("keydown", (event) => {
      this.#foreign = isForeign(event.key) ?? this.#foreign;
      const target = event.target instanceof HTMLElement ? event.target : document.body;
      // Enter held down on a button would press it repeatedly.
      if (event.repeat && (event.key === "Enter" || event.key === " ") && target.closest("button, summary"))
        event.preventDefault();
      if (busy()) return;
      const typing = target instanceof HTMLInputElement && target.type === "text";
      const composing = event.isComposing || event.keyCode === INPUT_METHOD;
      if (typing && (event.key === "Enter" || event.key === "Escape") && !composing) {
        event.preventDefault();
        leave();
        return;
      }
      if (typing || target.closest("select, textarea")) return;
      const binding = bindingOf(event, this.#foreign);
      if (!binding || (!on.checked && binding.key !== "?")) return;
      event.preventDefault();
      act(binding.action, binding.side ?? "home");
    });
  }
}

/** @param {Storage | null} storage */
function remembered(storage) {
  try {
    return storage?.getItem(KEYS_OFF) ?? null;
  } catch {
    return null;
  }
}
