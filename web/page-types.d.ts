/** The types that the modules of the pages share. Not served: a browser needs no types, and each byte of them counted. */

import type { MatchEvent } from "./livescore.js";

export type Side = "home" | "away";

/** Goals of the home and of the away side. */
export type Score = [number, number];

/** An event as viewers get it. */
export type Event = MatchEvent & { at: number; shootout?: Score | null; bench?: boolean; no_replacement?: boolean };

export interface Teams {
  home: string;
  away: string;
}

/** Times in milliseconds since 1970. */
export interface Clock {
  minute: number;
  stoppage: number | null;
  at: number;
}

/** Lengths of the halves, in minutes. */
export interface Lengths {
  /** 45 if absent. */
  half_minutes?: number;
  /** 15 if absent. */
  extra_half_minutes?: number;
}

/** The part of a board that the clock needs. */
export interface Timed extends Lengths {
  status: string;
  clock?: Clock | null;
}

/** A minute of a match as football writes it. */
export interface Minute {
  /** `23`, `45+2`, `HT`, `PEN`, `FT`; empty before the kick-off. */
  text: string;
  /** For an event entered now; null before the kick-off. */
  minute: number | null;
  stoppage: number | null;
  /** Whether it goes on by itself. */
  ticking: boolean;
}

/** A snapshot of the API, or a board of the library. */
export interface Board extends Teams, Timed {
  match: string;
  epoch: string;
  seq: number;
  competition?: string | null;
  /** A moment (RFC 3339), or only a day (`2026-11-28`). */
  kickoff?: string | null;
  score: Score;
  shootout?: Score | null;
  /** Nobody plays at home. */
  neutral?: boolean;
  leg?: 1 | 2 | null;
  /** Goals of this match's home and away side in the first leg. */
  first_leg?: Score | null;
  viewers?: number | null;
  events?: readonly Event[];
  gap?: boolean;
  lost?: number;
}

/** The place that an address of the viewer's page names. */
export interface Place {
  match: string | null;
  day: string | null;
  badDay: boolean;
}

/** A screen of the viewer's page. */
export interface Screen {
  element: HTMLElement;
  title: string;
  /** It is a list, which comes over HTTP only. */
  list: boolean;
  /** There is no such match. */
  missing?: boolean;
  start: () => void;
  stop: () => void;
  /** Called once a second. */
  tick: (now: number) => void;
  /** Called when the library is there. */
  follow: () => void;
  /** Read again. */
  refresh: () => unknown;
}

/** The state of reading over HTTP on a screen. */
export interface Reads {
  /** The service has answered, so the matches to follow are known. */
  known: boolean;
  /** There is no such match, so there is nothing to follow. */
  missing: boolean;
  /** A sentence if the last read failed. */
  unread: string | null;
  /** The screen is a list, which comes over HTTP only. */
  list: boolean;
}

/** A line of the timeline. */
export interface Moment {
  event: Event;
  cancellation: Event | null;
  /** Whether its operator cancelled it at once. */
  mistake: boolean;
  /** There was a video review of it. */
  reviewed: boolean;
  /** After it, in the game's order; of a goal that was taken back, as it would have been. */
  score: Score | null;
  /** Likewise. */
  shootout: Score | null;
  /** The same from board to board. */
  id: string;
}
