#!/usr/bin/env node
// The command line: everything is in src/cli/main.ts. What it needs is checked here, where any version of Node can say so.
import { existsSync } from "node:fs";

const [major, minor] = process.versions.node.split(".").map(Number);
if (major < 20 || (major === 20 && minor < 19)) {
  console.error(
    `longspan: expected Node 20.19 or later, got ${process.versions.node}. Install it from https://nodejs.org.`,
  );
  process.exit(2);
}
const entry = new URL("../dist/src/cli/main.js", import.meta.url);
if (!existsSync(entry)) {
  console.error("longspan: expected a built package, got the sources alone. Run `npm ci` in this checkout first.");
  process.exit(2);
}
const { main } = await import(entry.href);
process.exit(await main(process.argv.slice(2)));
