// Puts the terminal emulator beside the page of examples/terminal, which then needs nothing from elsewhere.
import { copyFileSync, mkdirSync } from "node:fs";
import { createRequire } from "node:module";

const { resolve } = createRequire(import.meta.url);
const folder = new URL("../examples/terminal/public/vendor/", import.meta.url);

mkdirSync(folder, { recursive: true });
copyFileSync(resolve("@xterm/xterm/lib/xterm.mjs"), new URL("xterm.mjs", folder));
copyFileSync(resolve("@xterm/xterm/css/xterm.css"), new URL("xterm.css", folder));
