/** What bin/longspan.js does, for the build that the tests belong to. */
import { main } from "../../src/cli/main.ts";

process.exit(await main(process.argv.slice(2)));
