/** What a person sees while a model is pulled: notices as lines, the download and then the checksum as bars. */
import type { PullOptions } from "../hub/source.ts";
import { type ProgressBar, progressBar } from "./progress.ts";

export interface PullReport extends Required<Pick<PullOptions, "onProgress" | "onNotice">> {
  /** Ends the bar that is being drawn, if there is one. */
  finish(): void;
}

const verbs = { download: "downloading", verify: "checking" };

export function pullReport(name: string, stream: NodeJS.WriteStream = process.stderr): PullReport {
  let bar: ProgressBar | undefined;
  let barStep: string | undefined;
  const finish = () => {
    bar?.finish();
    bar = undefined;
  };
  return {
    onProgress(done, total, step) {
      if (!bar || barStep !== step) {
        finish();
        bar = progressBar(stream, { label: `${verbs[step]} ${name}`, total, unit: "bytes" });
        barStep = step;
      }
      bar.update(done);
    },
    onNotice(message) {
      finish(); // Otherwise the notice would be written into the bar's line.
      stream.write(`${message}\n`);
    },
    finish,
  };
}
