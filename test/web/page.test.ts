/** The page in a browser, over a tiny model: what a person does with it, and that the console stays silent. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { after, afterEach, beforeEach, describe, test } from "node:test";
import type { BrowserContextOptions, Locator, Page } from "playwright-core";
import { DiskBlockStore } from "../../src/hub/block-store.ts";
import { createApp } from "../../src/server/app.ts";
import { listen } from "../../src/server/serve.ts";
import { tinyServer } from "../clients/tiny-server.ts";
import { temporaryFolder } from "../support/sessions.ts";
import { launch, openPage, skip } from "./browser.ts";

const store = new DiskBlockStore(join(temporaryFolder(), "contexts"));
const tiny = skip ? undefined : await tinyServer({ store, contexts: store });
const browser = await launch();
after(async () => {
  await browser?.close();
  await tiny?.close();
});

const sand = "the sand and the wind, on and on; ".repeat(12);
const shore = { name: "shore.txt", mimeType: "text/plain", buffer: Buffer.from(`${sand}another shore. ${sand}`) };
const letter = { name: "letter.html", mimeType: "text/html", buffer: Buffer.from(`<p>the <b>letter</b></p>`) };
const budget = '{ "cache": { "score": "key-norm", "budget": 192, "window": 32 } }';

describe("the page", { skip, timeout: 100_000 }, () => {
  let page: Page;
  let troubles: string[];

  beforeEach(() => open(tiny!.url));
  afterEach(() => page.close());

  async function open(url: string, options: BrowserContextOptions = {}): Promise<void> {
    ({ page, troubles } = await openPage(browser!, url, options));
  }

  async function add(...files: (typeof shore)[]): Promise<void> {
    await page.setInputFiles('input[aria-label="Files"]', files);
    for (const { name } of files) await page.getByText(name).first().waitFor();
    await page.locator(".documents [role=status]:empty").waitFor({ state: "attached" });
  }

  function question(): Locator {
    return page.getByRole("textbox", { name: "Question" });
  }

  async function options(longest = "12"): Promise<void> {
    await page.getByText("Plan and length").click();
    await page.getByLabel("Longest answer").fill(longest);
    await page.getByLabel("Longest answer").blur();
  }

  async function ask(text: string): Promise<void> {
    await question().fill(text);
    await page.keyboard.press("Enter");
    await ended();
  }

  async function ended(): Promise<void> {
    await page.waitForFunction(() => {
      const runs = [...document.querySelectorAll<HTMLElement>(".turn:last-of-type .run")];
      return runs.length > 0 && runs.every(({ dataset }) => dataset.phase === "done");
    });
  }

  test("a dropped file is read, asked about, and seen through: answer, facts, ribbon, passages; a passage leads into the text", async () => {
    await page.getByText("Drop files or a folder anywhere").waitFor();
    const transfer = await page.evaluateHandle((text) => {
      const data = new DataTransfer();
      data.items.add(new File([text], "shore.txt", { type: "text/plain" }));
      return data;
    }, shore.buffer.toString());
    await page.dispatchEvent("body", "dragover", { dataTransfer: transfer });
    await page.getByText("Drop files or a folder", { exact: true }).waitFor();
    await page.dispatchEvent("body", "drop", { dataTransfer: transfer });
    await page.getByText(/of 2,048 tokens/).waitFor();
    await options();
    await ask("Where is the shore?");

    const facts = await page.locator(".facts-row dl").innerText();
    assert.match(facts, /prompt\s+(\d+) tokens/);
    assert.match(facts, /written\s+\d+ tokens/);
    const cells = Math.ceil(Number(/prompt\s+(\d+)/.exec(facts)![1]) / 64);
    assert.equal(await page.locator(".strip").getAttribute("aria-valuemax"), String(cells));
    assert.equal((await page.locator(".ribbon path.kept").getAttribute("d"))!.split("z").length - 1, cells);

    const [first] = await page.locator(".passages button").all();
    const excerpt = (await first.locator("q").innerText()).replace(/…$/, "").trim().slice(0, 30);
    await first.click();
    const marked = (await page.locator("mark").allInnerTexts()).join("");
    assert.ok(marked.replace(/\s+/g, " ").includes(excerpt.replace(/\s+/g, " ")), JSON.stringify({ marked, excerpt }));
    assert.ok(await page.locator("mark").first().isVisible());
    await page.waitForFunction(() => document.activeElement?.id === "reader");
    assert.deepEqual(troubles, []);
  });

  test("a pointer on the ribbon tells of the block, a click opens it; a click on the text points back", async () => {
    await add(shore);
    await options();
    await ask("Where?");
    const strip = page.locator(".strip svg");
    await strip.hover({ position: { x: 30, y: 45 } });
    await page.getByText(/tokens 128 to 191/).waitFor();
    await strip.click({ position: { x: 30, y: 45 } });
    const marked = (await page.locator("mark").allInnerTexts()).join("");
    assert.ok(marked.length > 30 && shore.buffer.toString().includes(marked), marked);
    await page.mouse.move(0, 0);
    const block = page.locator("#reader [data-block='3']").first();
    await block.evaluate((piece: HTMLElement) => piece.click());
    await page.getByText(/tokens 192 to 255/).waitFor();
    assert.deepEqual(troubles, []);
  });

  test("follow-ups have what was read before them from the cache; another document begins anew", async () => {
    await add(shore);
    await options();
    await ask("Where is the shore?");
    await ask("And the wind?");
    const [, second] = await page.locator(".facts-row dl").allInnerTexts();
    const [, prompt] = /prompt\s+([\d,]+) tokens/.exec(second)!;
    const [, cached] = /from the cache\s+([\d,]+)/.exec(second)!;
    assert.ok(Number(cached) > 0.8 * Number(prompt), second);
    await add(letter);
    await page.getByText("the next question begins a new conversation").waitFor();
    assert.match(await page.locator(".documents li").last().innerText(), /letter\.html\s+\d+ tokens/);
    await page.getByLabel("Remove letter.html").click();
    await page.getByRole("button", { name: "Move shore.txt up" }).isDisabled();
    assert.deepEqual(troubles, []);
  });

  test("two plans are compared side by side: what a budget drops is gone from its ribbon, and pale in the text", async () => {
    await add(shore);
    await options();
    await page.getByLabel("Compare with a second plan").check();
    await page.getByLabel("Second plan as JSON").fill(budget);
    await page.getByText(/2,048 tokens of context\./).waitFor();
    await ask("Where is the shore?");
    assert.equal(await page.locator(".run .ribbon").count(), 2);
    const [exact, dropped] = await page.locator(".facts-row dl").allInnerTexts();
    assert.match(exact, /held\s+all/);
    assert.match(dropped, /held\s+\d+ of them/);
    const [left, right] = await page
      .locator(".run")
      .evaluateAll((runs) => runs.map((run) => run.getBoundingClientRect().x));
    assert.ok(right > left);
    await page.locator(".run").nth(1).locator(".passages button").first().click();
    await page.getByText(/under key-norm, 192, 32/).waitFor();
    const held = await page
      .locator("#reader [data-block]")
      .evaluateAll((pieces) => pieces.map((piece) => Number((piece as HTMLElement).style.getPropertyValue("--held"))));
    assert.ok(held.some((share) => share < 1) && held.every((share) => share > 0), String(held));
    assert.deepEqual(troubles, []);
  });

  test("a plan that is not sound says so and cannot be asked; one that cannot be JSON neither", async () => {
    await add(letter);
    await options();
    await page.getByLabel("Plan", { exact: true }).selectOption("JSON …");
    await question().fill("Who?");
    await page
      .getByLabel("Plan as JSON")
      .fill('{ "position": { "method": "dca" }, "cache": { "score": "key-norm", "budget": 512 } }');
    await page.getByText(/position.*dca|dca.*position/).waitFor();
    assert.ok(await page.getByRole("button", { name: "Ask" }).isDisabled());
    await page.getByLabel("Plan as JSON").fill("{");
    await page.getByText("This is not JSON yet").waitFor();
    await page.getByLabel("Plan as JSON").fill("{}");
    await page.getByRole("button", { name: "Ask", disabled: false }).waitFor();
    assert.deepEqual(troubles, []);
  });

  test("with the keyboard alone: a question, the ribbon as a slider, its block in the text", async () => {
    await add(shore);
    await options();
    await question().focus();
    await page.keyboard.type("Where is the shore?");
    await page.keyboard.press("Enter");
    await ended();
    const name = () => page.evaluate(() => document.activeElement?.getAttribute("role") ?? "");
    for (let presses = 0; (await name()) !== "slider"; presses++) {
      assert.ok(presses < 12, "the ribbon is not reached");
      await page.keyboard.press("Shift+Tab");
    }
    await page.keyboard.press("Home");
    await page.keyboard.press("ArrowRight");
    const strip = page.locator(".strip");
    assert.equal(await strip.getAttribute("aria-valuenow"), "2");
    assert.match(
      (await strip.getAttribute("aria-valuetext"))!,
      /^shore\.txt: tokens 64 to 127, .* of the attention, 100 % held, (read now|from the cache)\. /,
    );
    await page.keyboard.press("Enter");
    await page.waitForFunction(() => document.activeElement?.id === "reader");
    assert.ok((await page.locator("mark").count()) > 0);
    assert.deepEqual(troubles, []);
  });

  test("the table says what the ribbon shows: a row a block, and each opens its block", async () => {
    await add(shore, letter);
    await options();
    await ask("Where is the shore?");
    await page.getByText("As a table").click();
    await page.locator(".ribbon tbody tr").first().waitFor();
    const rows = await page.locator(".ribbon tbody tr").count();
    assert.equal(await page.locator(".strip").getAttribute("aria-valuemax"), String(rows));
    await page.getByRole("button", { name: "128–191" }).click();
    assert.ok((await page.locator("mark").count()) > 0);
    assert.deepEqual(troubles, []);
  });

  test("too much is said with numbers, and cannot be asked; one file that has no text is told, and dismissed", async () => {
    await add(shore, { ...shore, name: "more.txt", buffer: Buffer.from(sand.repeat(12)) });
    await page.getByText(/tokens are [\d,]+ more than fit: the context is 2,048/).waitFor();
    await question().fill("Where?");
    assert.ok(await page.getByRole("button", { name: "Ask" }).isDisabled());
    await page.setInputFiles('input[aria-label="Files"]', { ...letter, name: "broken.pdf" });
    await page.getByText("expected PDF").waitFor();
    await page.getByRole("button", { name: "Dismiss" }).click();
    await page.getByText("expected PDF").waitFor({ state: "detached" });
    assert.deepEqual(troubles, []);
  });

  test("stop ends an answer and keeps what was written", async () => {
    await add(shore);
    await options("1100");
    await question().fill("Where?");
    await page.keyboard.press("Enter");
    await page.locator('.run[data-phase="writing"] .answer', { hasText: /\S/ }).waitFor();
    await page.getByRole("button", { name: "Stop" }).click();
    await page.locator('.run[data-phase="stopped"]').waitFor();
    assert.ok((await page.locator(".answer").innerText()).length > 0);
    await page.getByRole("button", { name: "New conversation" }).click();
    await page.locator(".turn").waitFor({ state: "detached" });
    await tiny!.idle();
    assert.deepEqual(troubles, []);
  });

  test("saved contexts are listed, pinned and dropped", async () => {
    await add({ ...shore, name: "saved.txt", buffer: Buffer.from(`a letter, ${shore.buffer}`) });
    await options();
    await ask("Where?");
    await page.getByRole("button", { name: "Saved contexts" }).click();
    const row = page.locator(".contexts tbody tr").first();
    await row.getByRole("button", { name: "Pin", exact: true }).click();
    await row.getByRole("button", { name: "Unpin" }).waitFor();
    assert.ok(await row.getByRole("button", { name: "Drop" }).isDisabled());
    await row.getByRole("button", { name: "Unpin" }).click();
    await row.getByRole("button", { name: "Pin", exact: true }).waitFor();
    const before = await page.locator(".contexts tbody tr").count();
    await row.getByRole("button", { name: "Drop" }).click();
    await page.waitForFunction((n) => document.querySelectorAll(".contexts tbody tr").length < n, before);
    await page.keyboard.press("Escape");
    await page.locator("dialog[open]").waitFor({ state: "detached" });
    assert.deepEqual(troubles, []);
  });

  test("light and dark as the system has it, or as chosen, and the choice lasts", async () => {
    await page.close();
    await open(tiny!.url, { colorScheme: "dark" });
    const colour = () => page.evaluate(() => getComputedStyle(document.body).backgroundColor);
    await question().waitFor();
    assert.equal(await colour(), "rgb(19, 21, 24)");
    await page.getByLabel("Colours").selectOption("light");
    assert.equal(await colour(), "rgb(255, 255, 255)");
    await page.reload();
    await question().waitFor();
    assert.equal(await colour(), "rgb(255, 255, 255)");
    assert.deepEqual(troubles, []);
  });

  test("nothing is wider than a phone, before and after an answer", async () => {
    await page.close();
    await open(tiny!.url, { viewport: { width: 360, height: 740 } });
    await add(shore, letter);
    await options();
    await ask("Where is the shore?");
    assert.ok((await page.evaluate(() => document.documentElement.scrollWidth)) <= 360);
    assert.deepEqual(troubles, []);
  });

  test("a key is asked for where the server wants one; the page itself needs none", async (t) => {
    const { url, stop } = await listen(createApp({ ...tiny!.options, apiKey: "secret" }), {
      host: "127.0.0.1",
      port: 0,
    });
    t.after(stop);
    await page.close();
    await open(url);
    await page.getByLabel("Key", { exact: true }).fill("secret");
    await page.getByRole("button", { name: "Use it" }).click();
    await page.getByText("tiny, 2,048 tokens of context").waitFor();
    await add(letter);
    await options();
    await ask("Who?");
    assert.ok(troubles.length > 0 && troubles.every((text) => /401/.test(text)), String(troubles));
  });
});
