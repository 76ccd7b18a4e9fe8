// @ts-check
/** The deployment, from the site. */

import { setText } from "../dom.js";
import { cellsOf } from "../origin.js";

/**
 * @typedef {object} Deployment
 * @property {import("../livescore.js").Cell[]} cells
 * @property {import("./operator-token.js").Ways} operators
 */

/** Ask until the site says so. @param {HTMLElement} sign shows that it does not @returns {Promise<Deployment>} */
export async function deployment(sign) {
  for (let failures = 0; ; failures++) {
    try {
      const answer = await fetch("/deployment.json", { signal: AbortSignal.timeout(10_000) });
      if (answer.ok) {
        const described = await answer.json();
        return { cells: cellsOf(described, location.search), operators: described.operators ?? {} };
      }
    } catch {
      // Tried again, like a bad answer.
    }
    setText(sign, "The service cannot be found. It is tried again.");
    await new Promise((again) => setTimeout(again, Math.random() * Math.min(10_000, 500 * 2 ** failures)));
  }
}
