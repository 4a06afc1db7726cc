import { fileURLToPath } from "node:url";

/** The program as a user would run it; it runs what was built. */
export const bin = fileURLToPath(new URL("../../bin/scalesocket.js", import.meta.url));
