import { type Browser, chromium, type Page } from "playwright-core";
import { inject, test } from "vitest";
import type { TestServer } from "../helpers/server.ts";
import { until } from "../helpers/until.ts";

const limitMs = 15_000;

const endpoint = inject("browser");

/** A test that is skipped where there is no browser; why, the setup has said. */
export const browserTest = test.skipIf(endpoint === "");

/** A page for each of some texts. */
type PagesOf<Fragments extends readonly string[]> = { readonly [Index in keyof Fragments]: Page };

/** Windows of the browser, each of somebody else; they are closed when the scope ends. */
export class Windows<const Fragments extends readonly string[]> implements AsyncDisposable {
  readonly pages: PagesOf<Fragments>;
  /** What went wrong in any page. */
  readonly errors: string[] = [];
  readonly #browser: Browser;

  private constructor(browser: Browser, pages: PagesOf<Fragments>) {
    this.#browser = browser;
    this.pages = pages;
    for (const page of pages) page.on("pageerror", (error) => this.errors.push(error.message));
  }

  /** Opens the page of the server once for each of these ends of its address, one after the other. */
  static async open<const Of extends readonly string[]>(server: TestServer, fragments: Of): Promise<Windows<Of>> {
    const browser = await chromium.connect(endpoint, { timeout: limitMs });
    const pages: Page[] = [];
    try {
      for (const fragment of fragments) {
        pages.push(await openPage(browser, `http://127.0.0.1:${server.port}/${fragment}`));
      }
    } catch (error) {
      await browser.close();
      throw error;
    }
    return new Windows(browser, pages as unknown as PagesOf<Of>);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#browser.close();
  }
}

/** Ends the program of the only room there is, as if it had failed. */
export async function killProgram(server: TestServer): Promise<void> {
  const pid = (): number => Number(/process started .*\bpid=(\d+)/.exec(server.log())?.[1]);
  await until(
    () => pid() > 0,
    () => `the program to start: ${server.log()}`,
  );
  process.kill(pid(), "SIGKILL");
}

async function openPage(browser: Browser, address: string): Promise<Page> {
  const page = await browser.newPage({ viewport: { width: 1000, height: 800 } });
  page.setDefaultTimeout(limitMs);
  await page.goto(address);
  return page;
}
