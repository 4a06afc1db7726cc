// Puts the terminal emulator beside the page of examples/terminal, which then needs nothing from elsewhere.
import { copyFileSync, mkdirSync } from "node:fs";

const folder = new URL("../examples/terminal/public/vendor/", import.meta.url);
const script = new URL(import.meta.resolve("@xterm/xterm/lib/xterm.mjs"));
const style = new URL(import.meta.resolve("@xterm/xterm/css/xterm.css"));

mkdirSync(folder, { recursive: true });
copyFileSync(script, new URL("xterm.mjs", folder));
copyFileSync(style, new URL("xterm.css", folder));
