import { defineConfig } from "vitest/config";

const inBrowser = "test/browser/**/*.test.ts";

export default defineConfig({
  test: {
    reporters: ["default", "./test/helpers/summary-reporter.ts"],
    testTimeout: 30_000,
    hookTimeout: 30_000,
    // What only a browser needs is done only where a test needs a browser.
    projects: [
      { extends: true, test: { name: "node", include: ["test/**/*.test.ts"], exclude: [inBrowser] } },
      { extends: true, test: { name: "browser", include: [inBrowser], globalSetup: "test/browser/setup.ts" } },
    ],
  },
});
