/** Loads the transport of a cell, and begins to connect. */

/** @import { Cell, WebSocketLike } from "../livescore.js" */
/** @import { Memory, Viewer } from "./broadcast-socket.js" */

/** The name of a transport -> loads its class. */
const TRANSPORTS = {
  "appsync-events": async () => (await import("./appsync-events.js")).AppSyncEventsSocket,
  "appsync-graphql": async () => (await import("./appsync-graphql.js")).AppSyncGraphQLSocket,
  "iot-core": async () => (await import("./iot-core.js")).IotCoreSocket,
  momento: async () => (await import("./momento.js")).MomentoSocket,
};

/**
 * @param {Cell} cell
 * @param {Omit<Viewer, "memory"> & {memory: Partial<Memory>}} viewer
 * @param {() => boolean} [isWanted] whether the connection is still wanted when the transport has been loaded
 * @returns {Promise<WebSocketLike>} rejects for a transport that a newer release has added, and if it is not wanted
 */
export async function dial(cell, viewer, isWanted = () => true) {
  if (!Object.hasOwn(TRANSPORTS, cell.transport)) throw new TypeError(`There is no transport ${cell.transport}.`);
  const Transport = await TRANSPORTS[/** @type {keyof typeof TRANSPORTS} */ (cell.transport)]();
  if (!isWanted()) throw new Error("The page has closed the connection.");
  const memory = Object.assign(viewer.memory, {
    channels: viewer.memory.channels ?? new Map(),
    refused: viewer.memory.refused ?? new Map(),
    cuts: viewer.memory.cuts ?? new Map(),
  });
  return new Transport(cell, { ...viewer, memory });
}
