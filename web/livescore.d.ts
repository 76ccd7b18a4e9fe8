/** Live scores in a page or in Node: follows matches over a WebSocket and reads the rest over HTTP. See docs/client.md. */

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
  /** When it was posted, ms since 1970 by the server's clock. */
  at?: number;
  /** The score after it. */
  score?: Pair;
  team?: Side;
  minute?: number;
  stoppage?: number | null;
  /** It was entered late, so the clock does not follow its minute. */
  late?: true;
  player?: string | null;
  assist?: string | null;
  player_on?: string;
  player_off?: string;
  /** Of a substitution: no player comes on. */
  no_replacement?: true;
  /** Of a card: it is for a coach or a player on the bench. */
  bench?: true;
  scored?: boolean;
  decision?: string;
  about?: string | null;
  reason?: string | null;
  /** Of a cancellation: the id and the seq of the cancelled event. */
  cancels?: string;
  cancels_seq?: number;
  /** The seq of the cancellation of this event. */
  cancelled_by?: number;
  /** Of an amendment: the id and the seq of the corrected event. A null in a field removes the name. */
  amends?: string;
  amends_seq?: number;
  /** The seq of the last amendment of this event; its fields are already corrected. */
  amended_by?: number;
}

/** This minute was being played, or play had stopped in it, at the time `at` (ms since 1970 by the server's clock). */
export interface Clock {
  minute: number;
  stoppage: number | null;
  at: number;
}

/** The facts about a match before it is played, beyond its teams and its kick-off. */
export interface Terms {
  /** Whether the ground is neutral. */
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
  /** One creation of the match. Another epoch is another history: the match was reset. */
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
  /** All known events in order. A cancelled one has `cancelled_by`; an amended one is corrected. */
  readonly events: readonly MatchEvent[];
  /** Events are missing, and are being read. */
  readonly gap: boolean;
  /** Events that could not be read again, or that were before the first snapshot. */
  readonly lost: number;
  /** The followed part: the score, or null for all events. */
  readonly only: "score" | null;
}

/** A place in a match: every event of `epoch` up to `seq`. */
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
   * - `connecting`
   * - `open`: a frame has come.
   * - `waiting`: the next try is at `retryAt`.
   * - `offline`: the device reports no network.
   * - `refused`: HTTP answers and the socket does not open, most likely because of the token. It is tried again.
   * - `silent`: the socket opens and brings nothing, or dies repeatedly, most likely because of a proxy. Boards come over
   *   HTTP, and the socket is tried again.
   * - `closed`: nothing is followed.
   */
  readonly state: "connecting" | "open" | "waiting" | "offline" | "refused" | "silent" | "closed";
  /** Number of tries since the last frame. */
  readonly attempt: number;
  /** The time of the next try, ms since 1970 by this device's clock. */
  readonly retryAt: number | null;
  /** A sentence why there is no connection. */
  readonly reason: string | null;
}

/** All in seconds; the defaults are those of docs/protocol.md. */
export interface Timings {
  /** Between two checks for an overdue answer. 5 */
  careSeconds: number;
  /** The longest pause between two subscribes without an answer. 60 */
  askSeconds: number;
  /** After so long without a frame of a match, up to a quarter more or less, read over HTTP whether one was missed. 30 */
  silenceSeconds: number;
  /** On a connection that works, read after the longest silence that a message has ended, up to this. 150 */
  silenceMostSeconds: number;
  /** After so long without traffic, or up to a quarter less, send a sync: API Gateway closes idle connections. 480 */
  idleSeconds: number;
  /**
   * After so long without a frame, up to a quarter more or less, send a sync to test the connection. After a silence that
   * a frame has ended, the next one waits for twice that silence. 36
   */
  quietSeconds: number;
  /** After so long without an answer to that sync the connection is dead. 10 */
  pongSeconds: number;
  /**
   * A new connection without a first frame is closed after so long. The time doubles with each such connection in a row,
   * up to a minute. After about a quarter of it the state is `silent`, and unknown boards are read over HTTP. 20
   */
  firstSeconds: number;
  /** A connection is replaced at a random age between these; API Gateway closes it at 7200. [6300, 6900] */
  ageSeconds: [number, number];
  /** A repair begins within so long, at a random moment. 0.5 */
  spreadSeconds: number;
  /** To open a connection, the token's provider included. 30 */
  openSeconds: number;
  /** For an answer over HTTP. 5 */
  fetchSeconds: number;
  /** The first wait after a lost connection is a random part of twice this, the next of four times, … 0.25 */
  retrySeconds: number;
  /** … up to this. 30 */
  retryMostSeconds: number;
  /** A connection without a followed match is closed after so long. 10 */
  lingerSeconds: number;
  /** Of broadcasting transports: the second read after a subscribe comes after a random time between these. [3.1, 4.1] */
  lookSeconds: [number, number];
  /** Of broadcasting transports: an answer over HTTP that is asked for so much later is not older. 2.1 */
  freshSeconds: number;
  /** Of Momento: a poll that has not been refused for so long has begun. 0.25 */
  beginSeconds: number;
  /** Of Momento: a cell that has not refused a first poll for so long may be a slow one. 3 */
  helloSeconds: number;
}

/** The address of a cell, as deployment.json states it below `cells`. */
export interface Cell {
  /** `api-gateway`, `appsync-events`, `appsync-graphql`, `iot-core` or `momento`. */
  readonly transport: string;
  /** Begins with wss:// or ws://; with https:// or http:// for Momento. */
  readonly url: string;
  readonly name?: string;
  readonly region?: string;
  /** Of AppSync: the host of the API's HTTP address. */
  readonly host?: string;
  /** Of IoT Core: the authorizer's name, if the endpoint has no default one. */
  readonly authorizer?: string;
  /** Of Momento. */
  readonly cache?: string;
  /** The first segment of the channels, if the transport broadcasts. It is `livescore` by default. */
  readonly namespace?: string;
}

export interface Options {
  /** The addresses of WebSockets of API Gateway: one, or one of each cell. */
  websockets?: string | readonly string[];
  /** Cells of any transport, beside `websockets`. A cell of an unknown transport is left out. */
  cells?: readonly Cell[];
  /** Base URL of the readers' API; "" (the default) is the page's own origin. */
  api?: string;
  /** Returns the viewer's token, or null for none. Called before each connection. */
  token?: () => Promise<string | null> | string | null;
  /**
   * The token's place in the handshake. `subprotocol` is the default of wss:, because browsers write the address of a
   * failed connection to their console. `query` is the default of ws:, which is devstack: MiniStack knows no
   * subprotocols.
   */
  tokenIn?: "query" | "subprotocol";
  /**
   * Gets each message to the subject of the token, while a match is followed and the connection works. A message that
   * comes while the viewer is away is lost: read over HTTP what a key stands for, and once at the beginning.
   */
  onMessage?: (key: string, body?: unknown) => void;
  timings?: Partial<Timings>;
  /** The source of random numbers in [0, 1). */
  random?: () => number;
  /** The WebSocket class, if there is none, as in Node 20: that of the package ws. */
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
  /** Of the module's own transports only: ask the service for a sign of life. */
  probe?(): void;
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
  /** "score": goals, shoot-out kicks, phases, and cancellations of these. */
  only?: "score" | null;
  /** Read the events before the first snapshot over HTTP, and put them into `board.events`. */
  history?: boolean;
}

/** One followed match. `for await` gives the events from then on, each once and in order. */
export interface Follow extends AsyncIterable<MatchEvent> {
  readonly match: string;
  readonly only: "score" | null;
  /** Null before the first snapshot. After a resume from a position, events may come before it. */
  readonly board: Board | null;
  readonly closed: boolean;
  /** Each event once, in order. `live` is false for events of the first snapshot or of a repair. */
  on(type: "event", listener: (event: MatchEvent, about: { live: boolean }) => void): () => void;
  on(type: "change", listener: (board: Board) => void): () => void;
  on(type: "error", listener: (problem: Problem) => void): () => void;
  on(type: "gap", listener: (open: boolean) => void): () => void;
  /** Stop following; iterators end. */
  close(): void;
  [Symbol.asyncIterator](): AsyncIterableIterator<MatchEvent>;
}

export class Livescore {
  constructor(options: Options);
  /** A new object at each change. */
  readonly connection: Connection;
  on(type: "connection", listener: (connection: Connection) => void): () => void;
  on(type: "error", listener: (problem: Problem) => void): () => void;
  /** Milliseconds since 1970 by the server's clock, as far as it is known. */
  now(): number;
  /** Learn the server's clock from an answer that the page has fetched itself at `sentAt` (Date.now()). */
  observe(answer: Response, sentAt: number): void;
  /**
   * Follow a match. There is one Follow for each match: the same call returns the same object, and another `only`
   * replaces it. `resume` is an earlier board (shown at once, and its events are not emitted again), or only a position.
   */
  follow(match: string, options?: FollowOptions, resume?: Board | Position | null): Follow;
  /** Close everything: no timer, request or connection goes on. */
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

/**
 * A viewer's half of the protocol for one match, without I/O: takes frames and returns the events to show; the same as
 * `client/follower.py`. Frames may come twice, late, or before the snapshot, and a frame may be missing. The follower drops
 * duplicates. An update that begins after the follower's position is a gap. A snapshot from the position closes the gap; if
 * it does not reach back so far, pages of the history come first.
 */
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
  /** A frame was missed. */
  gap: boolean;
  /** Events that no snapshot could bring back, because it did not reach back far enough. */
  lost: number;
  /** Frames that were no whole snapshot or update; they change nothing. */
  junk: number;
  competition: string | null;
  kickoff: string | null;
  terms: Terms;
  clock: Clock | null;
  viewers: number | null;
  /** The position to subscribe from, null before the first snapshot. */
  since(): Position | null;
  /** Whether a snapshot of this epoch has every event after the position. */
  reaches(snapshot: Frame): boolean;
  /**
   * Take one frame of this match; returns the events that are new, in order. A `patient` follower refuses a snapshot that
   * does not reach back to its position. That is a gap, which `read` closes. Otherwise the follower takes the snapshot and
   * counts the missing events as `lost`.
   */
  take(frame: Frame, options?: { patient?: boolean }): MatchEvent[];
  /**
   * Take a page of the history after the position; returns the events that are new, in order. Returns none if the page is
   * not whole, is of another epoch, or begins after the position. The next snapshot closes the gap.
   */
  read(page: Frame): MatchEvent[];
}

/**
 * The plan of a repair, without I/O: the URLs to read, the seconds to wait, and the next step after an answer; the same as
 * `client/repair_plan.py`. Each `chance` is in [0, 1), and each time is in seconds.
 */
export const repair: {
  /** Tries over HTTP before the viewer asks over the socket. */
  readonly TRIES: number;
  /** The most pages of the history that one repair reads: 10,000 events. */
  readonly PAGES: number;
  /** The wait before attempt number `attempt` (from 1): full jitter. */
  delay(attempt: number, chance: number, spread?: number): number;
  /**
   * After so long without a frame a viewer reads over HTTP: `silence`, up to a quarter more or less. A goal ends the silence
   * of all viewers at the same moment. Their next reads must not all come at one moment too.
   */
  patience(silence: number, chance: number): number;
  /**
   * After so long without a frame of a match a viewer reads over HTTP: `least`, or the longest silence `proven` that a
   * message has ended, up to `most`. Up to a quarter more or less.
   */
  looking(least: number, most: number, proven: number, chance: number): number;
  /**
   * After so long without a frame on a connection the viewer asks the server for a sign of life: `least` at first, then
   * twice the longest silence `proven` that a frame has ended, up to a quarter more or less.
   */
  quiet(least: number, proven: number, chance: number): number;
  /**
   * The first frame of a connection may take so long. The time doubles with each of the `mutes` connections in a row that
   * opened and brought no frame, up to `most`. So a slow server does not get more and more requests.
   */
  grace(first: number, mutes: number, most?: number): number;
  /** The wait after failed attempt number `attempt` (from 1) to connect: full jitter. */
  backoff(attempt: number, chance: number, base?: number, most?: number): number;
  /** The path of the snapshot since a follower's position, relative to the API's URL. */
  snapshotPath(follower: Follower): string;
  /** The path of the next page of the history after a follower's position, relative to the API's URL. */
  historyPath(follower: Follower): string;
  /**
   * The next step with a snapshot that came over HTTP: `take` it; read `pages` of the history first, because it does not
   * reach back to the follower; or `ask` over the socket, because it is not whole, or is of another epoch. A snapshot over
   * HTTP may be some seconds old and of the epoch before.
   */
  judge(follower: Follower, answer: Frame): "take" | "pages" | "ask";
};

/** The most events that wait for a slow `for await`; a loop that is further behind ends with an error. */
export const BACKLOG: number;
