/** How messages stand on one pipe of a process. */
export type FrameMode = "lines" | "raw" | "json" | "gwsocket";

/** The options that choose framings, as they were given. */
export interface FrameOptions {
  readonly binary: boolean;
  readonly frame: "binary" | "json" | undefined;
  readonly clientFrame: "lines" | "binary" | "json" | undefined;
  readonly serverFrame: "lines" | "binary" | "json" | undefined;
}

export interface FrameModes {
  readonly toProcess: FrameMode;
  readonly fromProcess: FrameMode;
}

const modes = { lines: "lines", binary: "gwsocket", json: "json" } as const;

/** Which framing each direction has. */
export function frameModes({ binary, frame, clientFrame, serverFrame }: FrameOptions): FrameModes {
  if (binary) return { toProcess: "raw", fromProcess: "raw" };
  return { toProcess: modes[clientFrame ?? frame ?? "lines"], fromProcess: modes[serverFrame ?? frame ?? "lines"] };
}
