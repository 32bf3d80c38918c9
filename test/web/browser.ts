/** A browser for tests of the page, where there is one. */
import { existsSync } from "node:fs";
import { type Browser, type BrowserContextOptions, chromium, type Page } from "playwright-core";

const places = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];
const executablePath = process.env.LONGSPAN_CHROMIUM ?? places.find((path) => existsSync(path));

/** Why such tests cannot run, or false. */
export const skip = !executablePath
  ? "there is no Chromium; name one in LONGSPAN_CHROMIUM"
  : !existsSync("build/web/index.html") && "the page is not built; run `npm run build`";

export async function launch(): Promise<Browser | undefined> {
  return skip ? undefined : chromium.launch({ executablePath, args: ["--no-sandbox"] });
}

/** `troubles` grows with what the console calls errors. */
export async function openPage(
  browser: Browser,
  url: string,
  options: BrowserContextOptions = {},
): Promise<{ page: Page; troubles: string[] }> {
  const troubles: string[] = [];
  const page = await browser.newPage({ viewport: { width: 1280, height: 900 }, ...options });
  page.setDefaultTimeout(20_000);
  page.on("console", (message) => message.type() === "error" && troubles.push(message.text()));
  page.on("pageerror", (error) => troubles.push(String(error)));
  await page.goto(url);
  return { page, troubles };
}
