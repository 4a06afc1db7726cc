/** How messages stand on one pipe of a process. */
export type FrameMode = "lines" | "raw" | "streams" | "json" | "gwsocket";

/** The options that choose framings, as they were given. */
export interface FrameOptions {
  readonly binary: boolean;
  readonly frame: "binary" | "json" | undefined;
  readonly clientFrame: "lines" | "binary" | "json" | undefined;
  readonly serverFrame: "lines" | "binary" | "json" | undefined;
  /** Where the stderr of processes goes: lines of which stream they are to clients, in the end. */
  readonly stderr: "inherit" | "log" | "clients";
}

export interface FrameModes {
  readonly toProcess: FrameMode;
  readonly fromProcess: FrameMode;
}

const modes = { lines: "lines", binary: "gwsocket", json: "json" } as const;

/** Which framing each direction has. */
export function frameModes({ binary, frame, clientFrame, serverFrame, stderr }: FrameOptions): FrameModes {
  if (stderr === "clients") return { toProcess: "streams", fromProcess: "streams" };
  if (binary) return { toProcess: "raw", fromProcess: "raw" };
  return { toProcess: modes[clientFrame ?? frame ?? "lines"], fromProcess: modes[serverFrame ?? frame ?? "lines"] };
}
