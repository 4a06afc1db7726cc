import type { Page } from "playwright-core";
import { expect } from "vitest";
import { startExample } from "../helpers/examples.ts";
import { hasScript } from "../helpers/script.ts";
import { browserTest, Windows } from "./windows.ts";

const terminalTest = hasScript ? browserTest : browserTest.skip;

const secretFragment = "#0123456789abcdef0123456789abcdef";

terminalTest("what is typed into the terminal is run, and shown in every window of the shell", async () => {
  // As where a service manager starts it.
  await using server = await startExample("terminal", { SHELL: "", LANG: "" });
  await using windows = await Windows.open(server, [secretFragment, secretFragment, ""]);
  const [ann, ben, elsewhere] = windows.pages;
  await ann.getByText("Connected").waitFor();
  await type(ann, "echo $((6*7))");
  await shown(ann, /^42$/);
  await shown(ben, /^42$/);
  await type(ben, "printf '%s\\n' smörgås'bord' \"$(stty size)\"");
  await shown(ann, /^smörgåsbord$/);
  await shown(ann, /^24 80$/);
  await ben.reload();
  await shown(ben, /^42$/);

  expect(new URL(elsewhere.url()).hash).toMatch(/^#[0-9a-f]{32}$/);
  expect(await elsewhere.locator(rows).filter({ hasText: /^42$/ }).count()).toBe(0);
  expect(windows.errors).toEqual([]);
});

terminalTest("the terminal says that the shell has ended, and starts a new one at Enter", async () => {
  await using server = await startExample("terminal");
  await using windows = await Windows.open(server, [""]);
  const [ann] = windows.pages;
  await ann.getByText("Connected").waitFor();
  await type(ann, "exit");
  await shown(ann, /^\[The shell has ended\. Enter starts a new one\.\]$/);
  await ann.getByText("Ended", { exact: true }).waitFor();
  await ann.keyboard.press("Enter");
  await ann.getByText("Connected").waitFor();
  await type(ann, "exit 3");
  await shown(ann, /^\[Ended: process exited with code 3\. Enter starts a new one\.\]$/);
  expect(windows.errors).toEqual([]);
});

terminalTest("no window of the terminal answers for it when a program asks what it is", async () => {
  await using server = await startExample("terminal");
  await using windows = await Windows.open(server, [secretFragment]);
  const [ann] = windows.pages;
  await ann.getByText("Connected").waitFor();
  await type(
    ann,
    String.raw`printf '\033[c\033[>c\033[6n\033[5n\033]11;?\007\033[?1$pask%s\r\n' ed; read -r said; echo "said=$said." | tr -d '\033\007'`,
  );
  await shown(ann, /^asked$/);
  await type(ann, "mine");
  await shown(ann, /^said=mine\.$/);
  expect(windows.errors).toEqual([]);
});

const rows = ".xterm-rows > div";

async function type(page: Page, command: string): Promise<void> {
  await page.locator("main").click();
  await page.keyboard.type(command);
  await page.keyboard.press("Enter");
}

/** Waits until a row of the terminal holds this. */
async function shown(page: Page, row: RegExp): Promise<void> {
  await page.locator(rows).filter({ hasText: row }).first().waitFor();
}
