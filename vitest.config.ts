import { defineConfig } from "vitest/config";

const inBrowser = "test/browser/**/*.test.ts";
const ofDeploy = "test/deploy/**/*.test.ts";

export default defineConfig({
  test: {
    reporters: ["default", "./test/helpers/summary-reporter.ts"],
    testTimeout: 30_000,
    hookTimeout: 30_000,
    // What only some tests need, such as a browser, is looked for only where one of them is run.
    projects: [
      { extends: true, test: { name: "node", include: ["test/**/*.test.ts"], exclude: [inBrowser, ofDeploy] } },
      { extends: true, test: { name: "browser", include: [inBrowser], globalSetup: "test/browser/setup.ts" } },
      { extends: true, test: { name: "deploy", include: [ofDeploy], globalSetup: "test/deploy/setup.ts" } },
    ],
  },
});
