#!/usr/bin/env node
// The command line: everything is in src/cli/main.ts. Checked here because older Node versions cannot even parse what follows.
const [major, minor] = process.versions.node.split(".").map(Number);
if (major < 20 || (major === 20 && minor < 19)) {
  console.error(
    `longspan: expected Node 20.19 or later, got ${process.versions.node}. Install it from https://nodejs.org.`,
  );
  process.exit(2);
}
const { main } = await import("../dist/src/cli/main.js");
process.exit(await main(process.argv.slice(2)));
