import { expect } from "vitest";
import { startExample } from "../helpers/examples.ts";
import { until } from "../helpers/until.ts";
import { browserTest, killProgram, Windows } from "./windows.ts";

browserTest("two pages of the chat see what each says, and another room does not", async () => {
  await using server = await startExample("chat");
  await using windows = await Windows.open(server, ["", "#lobby", "#tea-time"]);
  const [ann, ben, elsewhere] = windows.pages;
  await Promise.all(windows.pages.map((page) => page.getByText("Connected").waitFor()));
  await ann.getByLabel("Name").fill("Ann");
  await ann.getByLabel("Message", { exact: true }).fill("Hello <b>there</b>");
  await ann.keyboard.press("Enter");
  await ben.getByText("Hello <b>there</b>").waitFor();
  await ann.locator("article.own:not(.waiting)").waitFor();
  await ben.getByLabel("Message", { exact: true }).fill("Hi Ann");
  await ben.getByRole("button", { name: "Send" }).click();
  await ann.getByText("Hi Ann").waitFor();

  expect(await ann.locator("article").count()).toBe(2);
  expect(await ben.locator("article b").first().textContent()).toBe("Ann");
  expect(await elsewhere.locator("article").count()).toBe(0);
  expect(windows.errors).toEqual([]);
});

browserTest("a page of the chat comes back by itself, and sends what was written meanwhile", async () => {
  await using server = await startExample("chat");
  await using windows = await Windows.open(server, [""]);
  const [ann] = windows.pages;
  await ann.getByText("Connected").waitFor();
  await killProgram(server);
  await ann.getByText(/^Closed, trying again in \d+ s$/).waitFor();
  await ann.getByLabel("Message", { exact: true }).fill("Still here");
  await ann.keyboard.press("Enter");
  await ann.locator("article.own:not(.waiting)").getByText("Still here").waitFor();
  expect(windows.errors).toEqual([]);
});

browserTest(
  "every name of a room is a room of its own, and the page says where the server has none of that name",
  async () => {
    await using server = await startExample("chat");
    await using windows = await Windows.open(server, ["#тест", "#чат", "#100%+&c%FF", "#api"]);
    const [ann, ben, cem, nobody] = windows.pages;
    const shown = windows.pages.map(async (page) => page.locator("h1").textContent());
    expect(await Promise.all(shown)).toEqual(["#тест", "#чат", "#100%+&c\ufffd", "#api"]);
    await Promise.all([ann, ben, cem].map((page) => page.getByText("Connected").waitFor()));
    await nobody.getByText(/^Cannot get in, trying again in \d+ s$/).waitFor();
    const rooms = () => new Set(Array.from(server.log().matchAll(/\broom=(\S+)/g), ([, room]) => room));
    await until(() => rooms().size === 3, "three rooms in the log");
    expect(rooms()).toEqual(new Set(["~D1~82~D0~B5~D1~81~D1~82", "~D1~87~D0~B0~D1~82", "100~25~2B~26c~EF~BF~BD"]));
    expect(windows.errors).toEqual([]);
  },
);

browserTest("each window of one browser keeps its name when it is reloaded, be it chosen or made up", async () => {
  await using server = await startExample("chat");
  await using windows = await Windows.open(server, [""]);
  const [ann] = windows.pages;
  const guest = await ann.getByLabel("Name").inputValue();
  expect(guest).toMatch(/^Guest \d{3}$/);
  await ann.reload();
  expect(await ann.getByLabel("Name").inputValue()).toBe(guest);
  const opened = ann.context().waitForEvent("page");
  await ann.evaluate(() => void open(location.href, "_blank", "noopener"));
  const ben = await opened;
  for (const [page, name] of [
    [ann, "Ann"],
    [ben, "Ben"],
  ] as const) {
    await page.getByLabel("Name").fill(name);
    await page.getByLabel("Message", { exact: true }).fill("Hello");
  }
  await ann.reload();
  expect(await ann.getByLabel("Name").inputValue()).toBe("Ann");
  expect(windows.errors).toEqual([]);
});

browserTest(
  "whoever has a name of spaces only is told so, and a name from right to left stands apart from the time",
  async () => {
    await using server = await startExample("chat");
    await using windows = await Windows.open(server, [""]);
    const [ann] = windows.pages;
    await ann.getByText("Connected").waitFor();
    await ann.getByLabel("Message", { exact: true }).fill("Hello");
    await ann.getByLabel("Name").fill("  ");
    await ann.getByRole("button", { name: "Send" }).click();
    expect(await ann.locator("#name:invalid").count()).toBe(1);
    await ann.getByLabel("Name").fill("דנה");
    await ann.getByRole("button", { name: "Send" }).click();
    const [name, time] = [ann.locator("article b"), ann.locator("article time")];
    const [nameBox, timeBox] = [await name.boundingBox(), await time.boundingBox()];
    expect((timeBox?.x ?? 0) - ((nameBox?.x ?? 0) + (nameBox?.width ?? 0))).toBeGreaterThan(1);
    expect(windows.errors).toEqual([]);
  },
);
