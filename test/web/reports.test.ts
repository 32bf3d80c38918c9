/** Evaluation runs in the page, in a browser: the list, one as a table, its report. */
import assert from "node:assert/strict";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { after, describe, test } from "node:test";
import type { Page } from "playwright-core";
import type { ReportRun } from "../../src/eval/report/html/index.ts";
import { readReport, readReportPage } from "../../src/eval/report/read.ts";
import { writeReport } from "../../src/eval/report/write.ts";
import { createApp } from "../../src/server/app.ts";
import { listen } from "../../src/server/serve.ts";
import { tinyServer } from "../clients/tiny-server.ts";
import { madeUpRun } from "../support/evaluation-runs.ts";
import { temporaryFolder } from "../support/sessions.ts";
import { launch, openPage, skip } from "./browser.ts";

const runs = join(temporaryFolder(), "runs");
const reports = { folder: runs, read: readReport, readPage: readReportPage };
const tiny = skip ? undefined : await tinyServer({ reports });
const browser = await launch();
after(async () => {
  await browser?.close();
  await tiny?.close();
});

/** What `longspan eval run` leaves behind, with its report or killed before. */
function keepRun(name: string, isFinished: boolean): ReportRun {
  const run = madeUpRun({ lengths: [1024, 4096], samples: 3 });
  const folder = join(runs, name);
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "run.json"), JSON.stringify(run.info));
  writeFileSync(join(folder, "results.jsonl"), run.rows.map((row) => `${JSON.stringify(row)}\n`).join(""));
  if (isFinished) writeReport([folder]);
  return run;
}

/** When the element with that text has it. */
async function focus(page: Page, text: string): Promise<void> {
  await page.waitForFunction((text) => document.activeElement?.textContent === text, text);
}

describe("evaluation runs in the page", { skip, timeout: 100_000 }, () => {
  test("with the keyboard: how to make one, a list, a table with intervals, the report in an origin of its own", async () => {
    const { page, troubles } = await openPage(browser!, tiny!.url);
    const button = page.getByRole("button", { name: "Reports", exact: true });
    await button.press("Enter");
    await page.getByText("No runs are kept").waitFor();
    await page.getByText("longspan eval run --tier smoke").waitFor();
    await page.keyboard.press("Escape");

    const [{ macros }] = keepRun("finished", true).summary.families;
    keepRun("killed", false);
    mkdirSync(join(runs, "broken"));
    await button.press("Enter");
    await page.getByText("3 runs are kept").waitFor();
    const rows = page.locator(".contexts tbody tr");
    const [finished, killed, broken] = await rows.allInnerTexts();
    assert.match(
      finished,
      /^qwen2.5-coder-0.5b\S+\s+plan exact\s+niah_single_1, .* and 5 more\s+1K [\d.]+\s+4K [\d.]+/,
    );
    assert.match(killed, /unfinished: 48 of 48 answers/);
    assert.match(broken, /^broken\s+damaged: run\.json/);

    await rows
      .first()
      .getByRole("button", { name: /^Open qwen/ })
      .press("Enter");
    await focus(page, "All runs");
    const table = page.getByRole("table", { name: "ruler" });
    assert.equal(await table.locator("tbody tr").count(), 8);
    const { score, interval } = macros[1];
    const shown = await table.getByRole("row", { name: /^mean/ }).locator("td").nth(1).innerText();
    const ends = [interval.low, interval.high].map((end) => Math.round(100 * end));
    assert.deepEqual(shown.trim().split(/\s+/), [(100 * score).toFixed(1), ends.join("–")]);

    const [report] = await Promise.all([
      page.context().waitForEvent("page"),
      page.getByRole("link", { name: "Open the whole report" }).press("Enter"),
    ]);
    await report.getByText("48 of 48 samples").waitFor();
    assert.equal(await report.evaluate(() => self.origin), "null");
    await report.close();

    await page.getByRole("button", { name: "All runs" }).press("Enter");
    await focus(page, "qwen2.5-coder-0.5b-instruct-q8_0");
    await rows.nth(1).getByRole("button").press("Enter");
    await page.getByText("It has not finished").waitFor();
    assert.equal(await page.getByRole("link").count(), 0);
    await page.keyboard.press("Escape");
    await focus(page, "Reports");
    assert.deepEqual(troubles, []);
  });

  test("where a key is wanted: the report is saved as it is; no wider than a phone", async (t) => {
    const keyed = createApp({ ...tiny!.options, apiKey: "secret" });
    const { url, stop } = await listen(keyed, { host: "127.0.0.1", port: 0 });
    t.after(stop);
    keepRun("saved", true);
    const { page } = await openPage(browser!, url, { viewport: { width: 360, height: 740 } });
    await page.getByLabel("Key", { exact: true }).fill("secret");
    await page.getByRole("button", { name: "Use it" }).click();
    await page.getByText("tiny, 2,048 tokens of context").waitFor();
    await page.getByRole("button", { name: "Reports", exact: true }).click();
    await page
      .locator(".contexts tbody tr", { has: page.getByRole("button") })
      .last()
      .getByRole("button")
      .click();
    const [download] = await Promise.all([
      page.waitForEvent("download"),
      page.getByRole("button", { name: "Save the whole report" }).click(),
    ]);
    assert.equal(download.suggestedFilename(), "saved.html");
    assert.equal(readFileSync(await download.path(), "utf8"), readFileSync(join(runs, "saved", "report.html"), "utf8"));
    assert.ok((await page.evaluate(() => document.documentElement.scrollWidth)) <= 360);
    assert.ok((await page.locator("dialog[open]").evaluate((dialog) => dialog.scrollWidth - dialog.clientWidth)) <= 0);
  });
});
