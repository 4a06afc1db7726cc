/** Short limits for the server, so that a short soak meets all of them. */
export const serverLimits = {
  clientBuffer: "256K",
  slowTimeoutMs: 2000,
  pingIntervalMs: 2000,
  killGraceMs: 500,
} as const;

/** When the server must have noticed that a client is gone: two intervals, and as much again on a busy machine. */
export const silentLimitMs = 4 * serverLimits.pingIntervalMs;

/** The same limits on the command line. */
export const serverWords = [
  "--metrics",
  `--clientbuffer=${serverLimits.clientBuffer}`,
  `--slowtimeout=${serverLimits.slowTimeoutMs / 1000}`,
  `--pinginterval=${serverLimits.pingIntervalMs / 1000}`,
  `--killgrace=${serverLimits.killGraceMs / 1000}`,
] as const;
