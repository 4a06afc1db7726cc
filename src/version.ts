import { createRequire } from "node:module";

const { version: packageVersion } = createRequire(import.meta.url)("../package.json") as { version: string };

export const version: string = packageVersion;

/** Name and version, as CGI programs are told in `SERVER_SOFTWARE`. */
export const software = `scalesocket/${version}`;
