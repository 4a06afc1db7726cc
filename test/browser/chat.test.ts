import { expect } from "vitest";
import { startExample } from "../helpers/examples.ts";
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
  expect(await ben.locator("article b").first().textContent()).toBe("Ann ");
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
