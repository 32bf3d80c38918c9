/**
 * A progress bar on stderr: one redrawn line on a terminal, a line every tenth elsewhere (logs, pipes).
 *
 *   label  ████████░░░░░░░░  52 %  256 / 491 MB  41.2 MB/s  6 s left
 *
 * NO_COLOR and TERM=dumb turn colours off; speed and time left are those of the last ten seconds, because
 * reading a long text becomes slower with every token.
 */
export interface ProgressOptions {
  label: string;
  total: number;
  unit: "bytes" | "tokens" | "samples" | "plans";
  /** A clock in milliseconds. */
  now?: () => number;
}

export interface ProgressBar {
  /** `secondsLeft` where the caller knows better than the speed of the last seconds. */
  update(done: number, secondsLeft?: number): void;
  /** Ends the line: with the note, or with the total, the time it took and the speed. */
  finish(note?: string): void;
}

const REDRAW_MS = 100;
const LINE_MS = 500;
const SPEED_WINDOW_MS = 10_000;
const BAR_CELLS = 20;

export function progressBar(stream: NodeJS.WriteStream, options: ProgressOptions): ProgressBar {
  const { label, total, unit, now = () => performance.now() } = options;
  const startedAt = now();
  const samples: Sample[] = [];
  let firstDone: number | undefined;
  let lastDone = 0;
  let nextTenth = 1;
  let drawnAt = Number.NEGATIVE_INFINITY;
  let drawnWidth = 0;

  return {
    update(done, secondsLeft) {
      if (firstDone === undefined) {
        // What an earlier run had done already says nothing about the speed of this one.
        firstDone = done;
        nextTenth = Math.floor((done / total) * 10) + 1;
      }
      lastDone = done;
      const time = now();
      samples.push({ time, done });
      while (samples.length > 2 && time - samples[1].time >= SPEED_WINDOW_MS) samples.shift();

      if (stream.isTTY) {
        if (time - drawnAt < REDRAW_MS && done < total) return;
        drawnAt = time;
        drawnWidth = redraw(stream, drawing(stream, options, done, samples, secondsLeft), drawnWidth);
      } else if (done >= (total * nextTenth) / 10 && time - drawnAt >= LINE_MS) {
        drawnAt = time;
        nextTenth = Math.floor((done / total) * 10) + 1;
        stream.write(`${label} ${facts(options, done, samples, secondsLeft).join("  ")}\n`);
      }
    },

    finish(note) {
      const seconds = (now() - startedAt) / 1000;
      const speed = (lastDone - (firstDone ?? 0)) / seconds;
      const summary = [amount(lastDone, unit), `in ${duration(seconds)}`, ...(speed > 0 ? [rate(speed, unit)] : [])];
      const line = `${label}  ${note ?? summary.join("  ")}`;
      if (stream.isTTY) redraw(stream, { plain: line, styled: line }, drawnWidth);
      stream.write(stream.isTTY ? "\n" : `${line}\n`);
    },
  };
}

interface Sample {
  readonly time: number;
  readonly done: number;
}

interface Line {
  readonly plain: string;
  readonly styled: string;
}

/** Spaces over the rest of the earlier line rather than an escape sequence: works on every terminal. */
function redraw(stream: NodeJS.WriteStream, { plain, styled }: Line, earlierWidth: number): number {
  stream.write(`\r${styled}${" ".repeat(Math.max(0, earlierWidth - plain.length))}`);
  return plain.length;
}

function drawing(
  stream: NodeJS.WriteStream,
  options: ProgressOptions,
  done: number,
  samples: Sample[],
  secondsLeft?: number,
): Line {
  const numbers = facts(options, done, samples, secondsLeft).join("  ");
  // A line that wraps cannot be redrawn: a narrow terminal gets no bar, a very narrow one a cut line.
  const columns = (stream.columns || 80) - 1;
  const withoutBar = `${options.label}  ${numbers}`.slice(0, columns);
  if (withoutBar.length + BAR_CELLS + 2 > columns) return { plain: withoutBar, styled: withoutBar };
  const filled = Math.min(BAR_CELLS, Math.round((done / options.total) * BAR_CELLS));
  const [full, rest] = ["█".repeat(filled), "░".repeat(BAR_CELLS - filled)];
  const join = (bar: string) => `${options.label}  ${bar}  ${numbers}`;
  const hasColor = !process.env.NO_COLOR && process.env.TERM !== "dumb";
  return { plain: join(full + rest), styled: join(hasColor ? `\x1b[36m${full}\x1b[2m${rest}\x1b[0m` : full + rest) };
}

function facts({ total, unit }: ProgressOptions, done: number, samples: Sample[], secondsLeft?: number): string[] {
  const percent = `${String(Math.floor((done / total) * 100)).padStart(3)} %`;
  const of =
    unit === "bytes"
      ? `${megabytes(done)} / ${amount(total, unit)}`
      : `${count(Math.floor(done))} / ${count(total)} ${unit}`;
  const [oldest, newest] = [samples[0], samples[samples.length - 1]];
  const speed = ((newest.done - oldest.done) / (newest.time - oldest.time)) * 1000;
  const isMoving = speed > 0 && Number.isFinite(speed);
  const seconds = secondsLeft ?? (isMoving ? (total - done) / speed : undefined);
  const left = done < total && seconds !== undefined ? [`${duration(seconds)} left`] : [];
  return [percent, of, ...(isMoving && (unit === "bytes" || unit === "tokens") ? [rate(speed, unit)] : []), ...left];
}

function amount(value: number, unit: ProgressOptions["unit"]): string {
  return unit === "bytes" ? `${megabytes(value)} MB` : `${count(Math.floor(value))} ${unit}`;
}

function rate(perSecond: number, unit: ProgressOptions["unit"]): string {
  if (unit === "bytes") return `${(perSecond / 1e6).toFixed(1)} MB/s`;
  return `${perSecond < 10 ? perSecond.toPrecision(2) : count(Math.round(perSecond))} ${unit}/s`;
}

function megabytes(bytes: number): string {
  return count(Math.round(bytes / 1e6));
}

function count(value: number): string {
  return value.toLocaleString("en-US");
}

/** 8 s, 2 min 5 s, 1 h 10 min. */
export function duration(seconds: number): string {
  if (seconds < 10) return `${Math.max(0, seconds).toFixed(1).replace(/\.0$/, "")} s`;
  const whole = Math.round(seconds);
  if (whole < 60) return `${whole} s`;
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${whole % 60} s`;
  return `${Math.floor(whole / 3600)} h ${Math.floor((whole % 3600) / 60)} min`;
}
