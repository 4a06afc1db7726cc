import type { Page } from "playwright-core";
import { expect } from "vitest";
import { startExample } from "../helpers/examples.ts";
import { until } from "../helpers/until.ts";
import { browserTest, Windows } from "./windows.ts";

browserTest("players of the game see each other move", async () => {
  await using server = await startExample("game");
  await using windows = await Windows.open(server, ["", "#playground"]);
  const [ann, ben] = windows.pages;
  await ann.getByText("Player 2").waitFor();
  await ben.getByText("Player 1").waitFor();
  expect(await ann.locator("li").count()).toBe(2);

  // From wherever they were put, one goes to the left and up with keys, the other down with the mouse.
  await ann.keyboard.down("ArrowLeft");
  await ann.keyboard.down("KeyW");
  await until(async () => isNear(await placeOf(ben, 0), [0.03, 0.03]), "Ben to see Ann in the corner");
  const board = await ben.locator("canvas").boundingBox();
  await ben.mouse.move((board?.x ?? 0) + (board?.width ?? 0) * 0.8, (board?.y ?? 0) + (board?.height ?? 0) * 0.9);
  await ben.mouse.down();
  await until(async () => isNear(await placeOf(ann, 1), [0.8, 0.9]), "Ann to see Ben go to the mouse");
  expect(isNear(await placeOf(ann, 0), [0.03, 0.03])).toBe(true);
  expect(windows.errors).toEqual([]);
});

browserTest("a page of the game says where it wants to go as often as it hears where all are", async () => {
  await using server = await startExample("game");
  await using windows = await Windows.open(server, [""]);
  const [ann] = windows.pages;
  const sent: string[] = [];
  const received: string[] = [];
  ann.on("websocket", (socket) => {
    socket.on("framesent", ({ payload }) => sent.push(String(payload)));
    socket.on("framereceived", ({ payload }) => received.push(String(payload)));
  });
  await ann.reload();
  await until(() => sent.length >= 40, "40 messages of the page");
  expect(received.length).toBeGreaterThan(26);
  expect(received.length).toBeLessThan(60);
  expect(new Set(sent)).toEqual(new Set(['{"t":"Go","x":0,"y":0}']));
});

browserTest("the game ends for who leaves, and whoever is left is it", async () => {
  await using server = await startExample("game");
  await using windows = await Windows.open(server, ["", ""]);
  const [ann, ben] = windows.pages;
  await ben.getByText("Run").waitFor();
  await ann.getByText("Catch them").waitFor();
  await ann.close();
  await ben.getByText("Alone: open this page once more").waitFor();
  await ben.locator("li.own.chaser").waitFor();
});

type Place = readonly [number, number];

function isNear([x, y]: Place, [otherX, otherY]: Place): boolean {
  return Math.hypot(x - otherX, y - otherY) < 0.03;
}

/** Where a page shows a player, found by the color that it has in the list: parts of the board's width and height. */
async function placeOf(page: Page, index: number): Promise<Place> {
  return page.locator("canvas").evaluate((element, player) => {
    const canvas = element as HTMLCanvasElement;
    const context = canvas.getContext("2d") as CanvasRenderingContext2D;
    const swatch = document.createElement("canvas").getContext("2d") as CanvasRenderingContext2D;
    swatch.fillStyle = getComputedStyle(document.querySelectorAll("li")[player] as Element, "::before").color;
    swatch.fillRect(0, 0, 1, 1);
    const color = swatch.getImageData(0, 0, 1, 1).data;
    const { data } = context.getImageData(0, 0, canvas.width, canvas.height);
    let [sumX, sumY, count] = [0, 0, 0];
    for (let at = 0; at < data.length; at += 4) {
      if (data[at] !== color[0] || data[at + 1] !== color[1] || data[at + 2] !== color[2]) continue;
      sumX += (at / 4) % canvas.width;
      sumY += Math.floor(at / 4 / canvas.width);
      count += 1;
    }
    return [sumX / count / canvas.width, sumY / count / canvas.height] as const;
  }, index);
}
