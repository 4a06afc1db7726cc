import type { Page } from "playwright-core";
import { expect } from "vitest";
import { startExample } from "../helpers/examples.ts";
import { until } from "../helpers/until.ts";
import { browserTest, killProgram, Windows } from "./windows.ts";

/** A place on the board, as parts of its width and height. */
type Place = readonly [number, number];

const left: Place = [0.2, 0.3];
const middle: Place = [0.5, 0.3];
const right: Place = [0.8, 0.3];
const corner: Place = [0.9, 0.9];

browserTest("two pages of the whiteboard see each other's lines while they are drawn", async () => {
  await using server = await startExample("whiteboard");
  await using windows = await Windows.open(server, ["", "#board", "#elsewhere"]);
  const [ann, ben, elsewhere] = windows.pages;
  await ben.getByText("2 people here").waitFor();
  await ann.getByLabel("Red").check();
  await moveTo(ann, left);
  await ann.mouse.down();
  await moveTo(ann, right);
  await seen(ben, middle);
  expect(await colorAt(ben, middle)).toBe(await colorAt(ann, middle));
  await ann.mouse.up();
  await draw(ben, corner, corner);
  await seen(ann, corner);

  await elsewhere.getByText("You are alone").waitFor();
  expect(await colorAt(elsewhere, middle)).toBe("");
  expect(windows.errors).toEqual([]);
});

browserTest("the whiteboard is as it was after a reload, also of the last page", async () => {
  await using server = await startExample("whiteboard");
  await using windows = await Windows.open(server, ["", ""]);
  const [ann, ben] = windows.pages;
  await draw(ann, left, right);
  await seen(ben, middle);
  await ann.reload();
  await seen(ann, middle);
  await ben.close();
  await ann.reload();
  await seen(ann, middle);
  expect(windows.errors).toEqual([]);
});

browserTest("the whiteboard is cleared for everyone, but not by mistake", async () => {
  await using server = await startExample("whiteboard");
  await using windows = await Windows.open(server, ["", ""]);
  const [ann, ben] = windows.pages;
  await draw(ann, left, right);
  await seen(ben, middle);
  ann.once("dialog", (dialog) => void dialog.dismiss());
  await ann.getByRole("button", { name: "Clear" }).click();
  await draw(ann, corner, corner);
  await seen(ben, corner);
  expect(await colorAt(ben, middle)).not.toBe("");
  ann.once("dialog", (dialog) => void dialog.accept());
  await ann.getByRole("button", { name: "Clear" }).click();
  await until(async () => (await colorAt(ben, middle)) === "", "the board of Ben to be clear");
  await ben.reload();
  await ben.getByText("2 people here").waitFor();
  expect(await colorAt(ben, middle)).toBe("");
  expect(windows.errors).toEqual([]);
});

browserTest("a page of the whiteboard comes back by itself, with all that was drawn before and meanwhile", async () => {
  await using server = await startExample("whiteboard");
  await using windows = await Windows.open(server, ["", ""]);
  const [ann, ben] = windows.pages;
  await draw(ann, left, right);
  await seen(ben, middle);
  await killProgram(server);
  await ann.getByText(/^Closed, trying again in \d+ s$/).waitFor();
  await draw(ann, corner, corner);
  await seen(ben, corner);
  await Promise.all([seen(ben, middle), seen(ann, middle), seen(ann, corner)]);
  expect(windows.errors).toEqual([]);
});

browserTest(
  "a page of the whiteboard shows what was drawn while there is no server, and clears nothing then",
  async () => {
    await using server = await startExample("whiteboard");
    await using windows = await Windows.open(server, [""]);
    const [ann] = windows.pages;
    await draw(ann, left, right);
    await seen(ann, middle);
    await until(async () => ann.getByRole("button", { name: "Clear" }).isEnabled(), "a board that can be cleared");
    const attempt = ann.waitForEvent("websocket");
    await server.stop();
    await attempt;
    expect(await colorAt(ann, middle)).not.toBe("");
    expect(await ann.getByRole("button", { name: "Clear" }).isDisabled()).toBe(true);
    expect(windows.errors).toEqual([]);
  },
);

async function draw(page: Page, from: Place, to: Place): Promise<void> {
  await moveTo(page, from);
  await page.mouse.down();
  await moveTo(page, to);
  await page.mouse.up();
}

async function moveTo(page: Page, [x, y]: Place): Promise<void> {
  const { x: boardX = 0, y: boardY = 0, width = 0, height = 0 } = (await page.locator("canvas").boundingBox()) ?? {};
  await page.mouse.move(boardX + x * width, boardY + y * height, { steps: 5 });
}

async function seen(page: Page, place: Place): Promise<void> {
  await until(async () => (await colorAt(page, place)) !== "", `something at ${place.join(" ")}`);
}

/** What is drawn at a place, as red, green and blue; nothing where nothing is drawn. */
async function colorAt(page: Page, place: Place): Promise<string> {
  return page.locator("canvas").evaluate((element, [x, y]) => {
    const canvas = element as HTMLCanvasElement;
    const pixels = canvas.getContext("2d")?.getImageData(x * canvas.width, y * canvas.height, 1, 1).data;
    const [red, green, blue, opacity] = pixels ?? [];
    return opacity === 255 ? `${red} ${green} ${blue}` : "";
  }, place);
}
