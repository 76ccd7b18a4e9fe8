/** Live scores in a page or in Node: matches followed over a WebSocket, the rest read over HTTP. See docs/client.md. */

export type Side = "home" | "away";
export type Pair = [home: number, away: number];
export type Status =
  | "scheduled"
  | "postponed"
  | "called_off"
  | "first_half"
  | "half_time"
  | "second_half"
  | "extra_time"
  | "extra_half_time"
  | "extra_second_half"
  | "shootout"
  | "suspended"
  | "abandoned"
  | "full_time"
  | "awarded";

/** One thing that happened, as docs/api.md describes it. Its fields depend on `kind`. */
export interface MatchEvent {
  seq: number;
  kind: string;
  event_id?: string;
  /** When it was posted, ms since the epoch by the server's clock. */
  at?: number;
  /** The score after it. */
  score?: Pair;
  team?: Side;
  minute?: number;
  stoppage?: number | null;
  /** It was entered late, so the clock does not go by its minute. */
  late?: true;
  player?: string | null;
  assist?: string | null;
  player_on?: string;
  player_off?: string;
  /** Of a substitution: nobody comes on. */
  no_replacement?: true;
  /** Of a card: it is for a coach or a player on the bench. */
  bench?: true;
  scored?: boolean;
  decision?: string;
  about?: string | null;
  reason?: string | null;
  /** Of a cancellation: the id and the seq of what it takes back. */
  cancels?: string;
  cancels_seq?: number;
  /** The seq of the cancellation that took this event back. */
  cancelled_by?: number;
  /** Of an amendment: the id and the seq of what it corrects. Null in a field that it names takes the name away. */
  amends?: string;
  amends_seq?: number;
  /** The seq of the last amendment that corrected this event; its fields are as they should be. */
  amended_by?: number;
}

/** At `at` (ms since the epoch by the server's clock) this minute was being played, or play stopped in it. */
export interface Clock {
  minute: number;
  stoppage: number | null;
  at: number;
}

/** The facts about a match before it is played, beyond its teams and its kick-off. */
export interface Terms {
  /** Whether the ground is neither side's home. */
  readonly neutral: boolean;
  /** 1 or 2 in a tie over two legs. */
  readonly leg: number | null;
  /** Of a second leg: the goals of this match's home and away side in the first. The aggregate adds `score`. */
  readonly first_leg: Pair | null;
  readonly half_minutes: number;
  readonly extra_half_minutes: number;
}

/** The known state of a match. A new object at each change. */
export interface Board extends Terms {
  readonly match: string;
  /** Another epoch is another history: the match was reset. */
  readonly epoch: string;
  readonly seq: number;
  readonly status: Status;
  readonly home: string;
  readonly away: string;
  readonly competition: string | null;
  /** A time with its offset, or a day as `2026-11-28` while the time is not known. */
  readonly kickoff: string | null;
  readonly score: Pair;
  readonly shootout: Pair | null;
  readonly clock: Clock | null;
  /** The approximate number of viewers; null if it is not known. */
  readonly viewers: number | null;
  /** All that are known, in order; one that was cancelled has `cancelled_by`, one that was amended is corrected. */
  readonly events: readonly MatchEvent[];
  /** Something was missed and is being read. */
  readonly gap: boolean;
  /** Events that could not be brought back, or lie before the first snapshot. */
  readonly lost: number;
  /** The followed part: the score, or null for everything. */
  readonly only: "score" | null;
}

/** Where somebody stands in a match: every event up to `seq` of `epoch`. */
export interface Position {
  epoch: string;
  seq: number;
}

/** Something went wrong: a code for programs, a sentence for people. */
export interface Problem {
  code: string;
  message: string;
}

export interface Connection {
  /**
   * `connecting`, `open` (and a frame has come), `waiting` (for the next try, at `retryAt`), `offline` (the device says
   * so), `refused` (HTTP answers and the socket does not open: most likely the token; it is tried again), `silent` (the
   * socket opens and brings nothing, or dies again and again: most likely a proxy; boards come over HTTP, and it is
   * tried again), `closed` (by us: nothing is followed).
   */
  readonly state: "connecting" | "open" | "waiting" | "offline" | "refused" | "silent" | "closed";
  /** Tries since the last one that brought a frame. */
  readonly attempt: number;
  /** When it is tried again, ms since the epoch by this device's clock. */
  readonly retryAt: number | null;
  /** Why there is none, a sentence. */
  readonly reason: string | null;
}

/** All in seconds; the defaults are those of docs/protocol.md. */
export interface Timings {
  /** Between two looks for an overdue answer. 5 */
  careSeconds: number;
  /** Between two subscribes that are not answered, at most. 60 */
  askSeconds: number;
  /** Without a frame of a match for so long, give or take a quarter: look over HTTP whether one was missed. 30 */
  silenceSeconds: number;
  /** On a connection that works, look after the longest silence that a message has ended, up to this. 150 */
  silenceMostSeconds: number;
  /** Without anything on the socket for so long, or up to a quarter less: say something, or it is closed. 480 */
  idleSeconds: number;
  /**
   * Without a frame on the socket for so long, give or take a quarter: ask whether frames still come through. After each
   * silence that a frame has ended only after twice that one. 36
   */
  quietSeconds: number;
  /** Without an answer to that for so long: the connection is dead. 10 */
  pongSeconds: number;
  /**
   * Without a first frame on a new connection for so long: it is given up. After each one in a row twice as long, up to
   * a minute. After about a quarter of it the state is `silent`, and boards that are not known are read over HTTP. 20
   */
  firstSeconds: number;
  /** A connection is given up at a random age between these; the gateway closes it at 7200. [6300, 6900] */
  ageSeconds: [number, number];
  /** A repair begins at a random moment within so long. 0.5 */
  spreadSeconds: number;
  /** To open a connection, the token's provider included. 30 */
  openSeconds: number;
  /** For an answer over HTTP. 5 */
  fetchSeconds: number;
  /** The first wait after a lost connection is a random part of twice this, the next of four times, … 0.25 */
  retrySeconds: number;
  /** … up to this. 30 */
  retryMostSeconds: number;
  /** A connection over which nothing is followed any more is closed after so long. 10 */
  lingerSeconds: number;
}

export interface Options {
  /** Where the WebSockets are: one address, or one of each cell. */
  websockets: string | readonly string[];
  /** Base URL of the readers' API; "" (the default) is the page's own origin. */
  api?: string;
  /** Gives the viewer's token, or null for none. Asked before each connection. */
  token?: () => Promise<string | null> | string | null;
  /**
   * The token's way to the gateway. With `subprotocol`, the default of wss:, it is not in the address, which browsers
   * write to their console when a connection fails. `query` is the default of ws:, which is devstack: MiniStack's
   * gateway knows no subprotocols.
   */
  tokenIn?: "query" | "subprotocol";
  timings?: Partial<Timings>;
  /** The source of random numbers in [0, 1). */
  random?: () => number;
  /** A WebSocket where there is none, as in Node 20: that of the package ws. */
  WebSocket?: new (
    url: string,
    protocols?: string[],
  ) => WebSocketLike;
  fetch?: typeof globalThis.fetch;
  /** The source of `online`, `offline`, `pageshow` and `visibilitychange`; the page by default, null for none. */
  page?: PageLike | null;
}

// biome-ignore lint/suspicious/noExplicitAny: a browser's WebSocket and that of ws name their events' types differently
type Heard = any;

/** The used part of a WebSocket. */
export interface WebSocketLike {
  onopen: ((event: Heard) => void) | null;
  onmessage: ((event: Heard) => void) | null;
  onerror: ((event: Heard) => void) | null;
  onclose: ((event: Heard) => void) | null;
  send(data: string): void;
  close(code?: number): void;
  /** Of ws only. */
  terminate?(): void;
}

/** The used part of a window. */
export interface PageLike {
  addEventListener(type: string, listener: () => void): void;
  removeEventListener(type: string, listener: () => void): void;
  readonly navigator?: { readonly onLine?: boolean };
  readonly document?: {
    readonly visibilityState: string;
    addEventListener(type: string, listener: () => void): void;
    removeEventListener(type: string, listener: () => void): void;
  };
}

export interface FollowOptions {
  /** Goals, shoot-out kicks, phases, and what takes those back. */
  only?: "score" | null;
  /** Read over HTTP what lies before the first snapshot, and put it in `board.events`. */
  history?: boolean;
}

/** One match that is followed. `for await` gives the events from then on, each once and in order. */
export interface Follow extends AsyncIterable<MatchEvent> {
  readonly match: string;
  readonly only: "score" | null;
  /** Null before the first snapshot. A follower that resumes from a mere position may hear of events before that. */
  readonly board: Board | null;
  readonly closed: boolean;
  /** `live` is false for what came with the first snapshot or a repair. Each event once, in order. */
  on(type: "event", listener: (event: MatchEvent, about: { live: boolean }) => void): () => void;
  on(type: "change", listener: (board: Board) => void): () => void;
  on(type: "error", listener: (problem: Problem) => void): () => void;
  on(type: "gap", listener: (open: boolean) => void): () => void;
  /** Follow it no longer; iterators end. */
  close(): void;
  [Symbol.asyncIterator](): AsyncIterableIterator<MatchEvent>;
}

export class Livescore {
  constructor(options: Options);
  /** A new object at each change. */
  readonly connection: Connection;
  on(type: "connection", listener: (connection: Connection) => void): () => void;
  on(type: "error", listener: (problem: Problem) => void): () => void;
  /** Milliseconds since the epoch by the server's clock, as far as is known. */
  now(): number;
  /** Learn the server's clock from an answer that the page has read itself, having asked at `sentAt` (Date.now()). */
  observe(answer: Response, sentAt: number): void;
  /**
   * Follow a match. There is one Follow for each: the same again gives the same; another `only` replaces it and begins
   * anew. `resume` is a board of before (it is shown at once, and its events are not told again), or only a position.
   */
  follow(match: string, options?: FollowOptions, resume?: Board | Position | null): Follow;
  /** Close all. Nothing is left running. */
  close(): void;
}

/** A snapshot or an update. */
export interface Frame {
  type?: unknown;
  match?: unknown;
  [field: string]: unknown;
}

/** A snapshot or an update that has all that a follower reads. */
export interface Whole extends Frame {
  type: "snapshot" | "update";
  epoch: string;
  seq: number;
  prev: number;
  status: Status;
  home: string;
  away: string;
  score: Pair;
  shootout?: Pair | null;
  events: MatchEvent[];
}

/** A page of the history that has all that a follower reads. */
export interface HistoryPage extends Frame {
  epoch: string;
  seq: number;
  events: (MatchEvent & { score: Pair })[];
}

/** Pure: a viewer's half of the protocol for one match; the same as `client/follower.py`. */
export class Follower {
  constructor(match: string);
  readonly match: string;
  epoch: string | null;
  seq: number;
  score: Pair;
  shootout: Pair | null;
  status: Status;
  home: string;
  away: string;
  gap: boolean;
  lost: number;
  junk: number;
  competition: string | null;
  kickoff: string | null;
  terms: Terms;
  clock: Clock | null;
  viewers: number | null;
  since(): Position | null;
  reaches(snapshot: Frame): boolean;
  take(frame: Frame, options?: { patient?: boolean }): MatchEvent[];
  read(page: Frame): MatchEvent[];
}

/** Pure: how what was missed is brought back; the same as `client/repair_plan.py`. */
export const repair: {
  readonly TRIES: number;
  readonly PAGES: number;
  delay(attempt: number, chance: number, spread?: number): number;
  patience(silence: number, chance: number): number;
  looking(least: number, most: number, proven: number, chance: number): number;
  quiet(least: number, proven: number, chance: number): number;
  grace(first: number, mutes: number, most?: number): number;
  backoff(attempt: number, chance: number, base?: number, most?: number): number;
  snapshotPath(follower: Follower): string;
  historyPath(follower: Follower): string;
  judge(follower: Follower, answer: Frame): "take" | "pages" | "ask";
};

/** Events that wait for a slow `for await`; one that is further behind ends with an error. */
export const BACKLOG: number;
