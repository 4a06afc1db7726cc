// Writes the pages of docs/ that come from tables in src/; with --check it only says whether they are up to date.
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { closeCodes } from "../dist/close-codes.js";
import { dropReasons } from "../dist/drop-reasons.js";
import { errorCodes } from "../dist/errors.js";
import { metricsTable, spawnTimeMetric } from "../dist/metrics/metrics-table.js";
import { longFlag, namingsOf, optionGroups, optionNames, optionTable } from "../dist/options.js";

const configurationFiles = `## Configuration files

\`--config game.toml\`, or \`SCALESOCKET_CONFIG\`, names a file of at most 256 KiB that is read once, at the start. It is JSON or
TOML, by the ending of its name. Its keys are flags without their dashes, other names included, and \`command\` and \`args\`:

\`\`\`toml
command = "./game.py"
args = ["--level", "3"]
addr = "127.0.0.1:9000"
frame = "json"
maxmessage = "64K"          # or 65536
killgrace = 0.5
metrics = true
passenv = ["PATH", "HOME"]  # or "PATH,HOME"
\`\`\`

- Values are texts as on the command line, numbers, \`true\` and \`false\` for flags, and lists for options whose value is a list.
  Paths are relative to where the server is started, as on the command line.
- A command on the command line comes with its own arguments; arguments behind \`--\` alone replace \`args\`.
- An unknown key, a key that is there twice and a wrong value are errors (exit code 2) that name the file, the key or line
  and column, and what was expected. So is another file in a file: \`config\` and \`print-config\` cannot be keys.
- \`compat = "0.2"\` may stand in it, and holds for the whole file as for the command line: \`json = true\` is JSON framing then. What
  that version took for granted comes last, behind what the file says.

\`--print-config\` prints all options that are in force, defaults included, as JSON to stdout, and exits with 0. Saved as
\`game.json\`, that is a file that says the same. Without a command it prints the options alone.
Options without a default, and \`addr\`, are there only if they were given.

In an environment variable the values of a list stand with commas between them, or on lines of their own where they may
hold commas.`;

const pages = {
  "docs/options.md": options(),
  "docs/close-codes.md": closings(),
  "docs/metrics.md": metrics(),
};

const isCheck = process.argv.includes("--check");
for (const [path, text] of Object.entries(pages)) {
  const file = new URL(`../${path}`, import.meta.url);
  if (existsSync(file) && readFileSync(file, "utf8") === text) continue;
  if (isCheck) {
    process.stderr.write(`${path} is not what the tables say; run npm run docs\n`);
    process.exitCode = 1;
  } else {
    writeFileSync(file, text);
  }
}

function options() {
  const sections = Object.entries(optionGroups).map(([group, title]) => {
    const rows = optionNames.flatMap((name) => {
      const spec = optionTable[name];
      if (spec.group !== group) return [];
      const namings = namingsOf(name);
      const flags = namings.map((naming) => flagCell(name, naming));
      const standardText = spec.defaultText ?? spec.fallbackText;
      const standard = standardText ? `\`${standardText}\`` : "";
      const value = spec.isCounted || spec.bareText !== "true" ? spec.expected : "";
      const variables = namings.map((naming) => `\`${naming.variable}\``);
      return [[flags.join("; "), spec.help, value, standard, variables.join(", ")]];
    });
    return `## ${title}\n\n${table(["option", "meaning", "value", "default", "variable"], rows)}`;
  });
  return page(
    "Options",
    `    scalesocket [OPTIONS] <CMD> [-- <ARGS>...]

Options may stand before or after the command. What follows \`--\` goes to the command untouched. An option wins over its
environment variable, that over the [configuration file](#configuration-files), and that over the default. A flag whose value is a list adds to it each time that it is given; another
flag that is given again replaces what it said before. \`-h\` prints all of this in short, \`-V\` the version.`,
    ...sections,
    configurationFiles,
    `## Exit codes

${table(
  ["code", "meaning"],
  [
    ["0", "Done: after a signal, or after the one client of `--oneshot`"],
    ["1", "Something failed while running, such as an address in use"],
    ["2", "An option or argument is missing, unknown or out of range"],
  ],
)}`,
  );
}

function flagCell(name, { flag, longFlag: long, means }) {
  if (means !== undefined) return `\`${long}\` is \`${longFlag(name)} ${means}\``;
  return `\`${flag.replace(" [MODE]", "[=MODE]")}\``;
}

function closings() {
  const rows = Object.values(closeCodes).map(({ code, when, comeBack }) => [String(code), when, comeBack]);
  return page(
    "Close codes",
    "With which code a client's websocket is closed, and what it should do then. The reason beside the code says more.\n" +
      "The program itself can close clients with 1000, 1008, 1011 to 1013 and 3000 to 4999, and a reason of its own\n" +
      "([messages](messages.md#acting-on-clients)).",
    table(["code", "when", "come back?"], rows),
  );
}

function metrics() {
  const rows = metricsTable.map(({ name, type, labels, help }) => [`\`${name}\``, type, labels.join(", "), help]);
  rows.push([`\`${spawnTimeMetric.name}\``, "histogram", "", spawnTimeMetric.help]);
  const reasons = Object.entries(dropReasons).map(([reason, meaning]) => [`\`${reason}\``, meaning]);
  const errors = Object.entries(errorCodes).map(([code, meaning]) => [`\`${code}\``, meaning]);
  return page(
    "Metrics and error codes",
    `With \`--metrics\`, \`GET /metrics\` answers in OpenMetrics 1.0 text. Series of a room end with the room. Beside these
metrics of our own there are those of Node and of the process (\`nodejs_*\`, \`process_*\`).`,
    table(["metric", "type", "labels", "meaning"], rows),
    `## Reasons of dropped messages\n\n${table(["reason", "meaning"], reasons)}`,
    `## Error codes\n\nThe \`code\` of a \`ServerError\` in the [library](library.md).\n\n${table(["code", "meaning"], errors)}`,
  );
}

function page(title, ...parts) {
  return `# ${title}\n\n<!-- Written by \`npm run docs\` from the tables in src/: change it there. -->\n\n${parts.join("\n\n")}\n`;
}

function table(head, rows) {
  const cells = [head, head.map(() => "---"), ...rows.map((row) => row.map((cell) => cell.replaceAll("|", "\\|")))];
  return cells.map((row) => `| ${row.join(" | ")} |`).join("\n");
}
