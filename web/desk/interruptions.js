// @ts-check
/**
 * Pure: the rare phases with large effects. The desk separates them from the whistles, asks before it posts one, and lets
 * the operator give the reason.
 */

/**
 * @typedef {object} Interruption
 * @property {string} button what the button says that opens its window
 * @property {string} title of the window, a question
 * @property {string} means what viewers see and what can follow, a sentence or two
 * @property {string} post the button that posts it
 * @property {readonly string[]} reasons that are usual
 */

const GROUND = ["Waterlogged pitch", "Snow", "Frozen pitch", "Fog", "Thunderstorm", "Safety"];
const IN_PLAY = ["Thunderstorm", "Floodlight failure", "Crowd trouble", "Objects thrown", "Medical emergency", "Fog"];

/** @type {Readonly<Record<string, Interruption>>} */
export const INTERRUPTIONS = {
  suspended: {
    button: "Suspend play…",
    title: "Suspend play?",
    means: "The clock stands until you press Play resumed.",
    post: "Suspend play",
    reasons: IN_PLAY,
  },
  abandoned: {
    button: "Abandon the match…",
    title: "Abandon the match?",
    means: "The match ends here, with the score as it is. It may be awarded later.",
    post: "Abandon the match",
    reasons: IN_PLAY,
  },
  awarded: {
    button: "Award the match…",
    title: "Award the match?",
    means: "The score that you state replaces the score of the pitch, and the match is over.",
    post: "Award the match",
    reasons: ["Forfeit", "Ineligible player", "Walkover", "Crowd trouble"],
  },
  postponed: {
    button: "Postpone the match…",
    title: "Postpone the match?",
    means: "It is not played now. The kick-off can be moved, and the match can kick off later.",
    post: "Postpone the match",
    reasons: GROUND,
  },
  called_off: {
    button: "Call off the match…",
    title: "Call off the match?",
    means: "It is not going to be played.",
    post: "Call off the match",
    reasons: [...GROUND, "Team withdrawn"],
  },
};

/** Of the phases that may follow, those that are whistles of every match, the usual one first. @param {readonly string[]} phases */
export const whistlesOf = (phases) => phases.filter((kind) => !(kind in INTERRUPTIONS));

/** Of the phases that may follow, the rare ones, in the order of this file. @param {readonly string[]} phases */
export const interruptionsOf = (phases) => Object.keys(INTERRUPTIONS).filter((kind) => phases.includes(kind));
