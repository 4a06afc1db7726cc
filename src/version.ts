import { createRequire } from "node:module";

/** By its name the package finds itself, wherever this code was bundled to. */
const { version: packageVersion } = createRequire(import.meta.url)("scalesocket/package.json") as { version: string };

export const version: string = packageVersion;

/** Name and version, as CGI programs are told in `SERVER_SOFTWARE`. */
export const software = `scalesocket/${version}`;
