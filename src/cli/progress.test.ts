import assert from "node:assert/strict";
import { test } from "node:test";
import { progressBar } from "./progress.ts";

/** A stream that keeps what is written to it, and a clock that is set by hand. */
function stage(isTTY: boolean, columns = 100) {
  const written: string[] = [];
  const clock = { ms: 0 };
  const stream = { isTTY, columns, write: (text: string) => written.push(text) } as unknown as NodeJS.WriteStream;
  return { written, clock, stream, now: () => clock.ms };
}

process.env.NO_COLOR = "1";
process.env.TERM = "xterm";

test("on a terminal one line is redrawn at most ten times a second, with percent, amount, speed and time left", () => {
  const { written, clock, stream, now } = stage(true);
  const bar = progressBar(stream, { label: "downloading x", total: 100e6, unit: "bytes", now });
  for (let ms = 0; ms <= 5_000; ms += 10) {
    clock.ms = ms;
    bar.update(ms * 10_000);
  }
  assert.equal(written.length, 51);
  assert.equal(
    written.at(-1)!.trimEnd(),
    "\rdownloading x  ██████████░░░░░░░░░░   50 %  50 / 100 MB  10.0 MB/s  5 s left",
  );
  clock.ms = 10_000;
  bar.update(100e6);
  bar.finish();
  assert.ok(written.every((text) => text.startsWith("\r") || text === "\n"));
  assert.equal(written.at(-2)!.trimEnd(), "\rdownloading x  100 MB  in 10 s  10.0 MB/s");
  assert.equal(written.at(-1), "\n");
});

test("elsewhere a line is written about every tenth, at most two a second, and none is redrawn", () => {
  const { written, clock, stream, now } = stage(false);
  const bar = progressBar(stream, { label: "reading", total: 8_000, unit: "tokens", now });
  for (let done = 0; done <= 8_000; done += 100) {
    clock.ms = done * 10;
    bar.update(done);
  }
  bar.finish("done");
  assert.equal(written.length, 11);
  assert.equal(written[0], "reading  10 %  800 / 8,000 tokens  100 tokens/s  1 min 12 s left\n");
  assert.equal(written[9], "reading 100 %  8,000 / 8,000 tokens  100 tokens/s\n");
  assert.equal(written[10], "reading  done\n");
  assert.ok(!written.join("").includes("\r"));

  const fast = stage(false);
  const quick = progressBar(fast.stream, { label: "checking", total: 100, unit: "bytes", now: fast.now });
  for (let done = 0; done <= 100; done++) quick.update(done);
  assert.equal(fast.written.length, 1);
});

test("the speed is that of the last ten seconds, and what was there before counts for nothing", () => {
  const { written, clock, stream, now } = stage(true);
  const bar = progressBar(stream, { label: "r", total: 10_000, unit: "tokens", now });
  bar.update(5_000);
  for (let second = 1; second <= 30; second++) {
    clock.ms = second * 1000;
    bar.update(5_000 + (second <= 10 ? second * 200 : 2_000 + (second - 10) * 50));
  }
  assert.match(written.at(-1)!, / 80 % {2}8,000 \/ 10,000 tokens {2}50 tokens\/s {2}40 s left/);
});

test("a shorter line clears a longer one, and a narrow terminal gets no bar and never a line that wraps", () => {
  for (const columns of [100, 50, 20]) {
    const { written, clock, stream, now } = stage(true, columns);
    const bar = progressBar(stream, { label: "downloading model", total: 1e9, unit: "bytes", now });
    let shown = "";
    for (let step = 0; step <= 10; step++) {
      clock.ms += 1000;
      bar.update(step * 1e8);
      const line = written.at(-1)!.slice(1);
      assert.ok(line.length < columns, `${columns}: ${line}`);
      assert.ok(line.length >= shown.trimEnd().length, `${columns}: the end of "${shown}" would stay`);
      assert.equal(line.includes("░") || line.includes("█"), columns === 100);
      shown = line;
    }
  }
});

test("colours are escape sequences on a terminal, and absent with NO_COLOR or a dumb one", () => {
  const draw = (environment: Record<string, string>) => {
    const before = { ...process.env };
    Object.assign(process.env, environment);
    const { written, stream, now } = stage(true);
    progressBar(stream, { label: "x", total: 10, unit: "bytes", now }).update(5);
    process.env = before;
    return written.join("").includes("\x1b[");
  };
  assert.equal(draw({ NO_COLOR: "", TERM: "xterm" }), true);
  assert.equal(draw({ NO_COLOR: "1", TERM: "xterm" }), false);
  assert.equal(draw({ NO_COLOR: "", TERM: "dumb" }), false);
});
