import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import type { DepthTable } from "../../summary/types.ts";
import { contrast, darkSeriesColors, seriesColors, shadeOf } from "./color.ts";
import { depthCurves } from "./depth-curves.ts";
import { forestPlot } from "./forest.ts";
import { heatMap } from "./heat-map.ts";
import { lengthCurves } from "./length-curves.ts";
import { spread } from "./line-chart.ts";
import { element, escapeText, textElement } from "./markup.ts";
import { formatBytes, formatCount, formatDifference, formatSeconds } from "./numbers.ts";
import { paretoChart, paretoFront } from "./pareto.ts";

const table: DepthTable = {
  lengths: [1024, 32768],
  bins: [
    { low: 0, high: 0 },
    { low: 0.4, high: 0.6 },
  ],
  cells: [
    [
      { n: 8, score: 1, interval: { low: 0.676, high: 1 } },
      { n: 8, score: 0.25, interval: { low: 0.071, high: 0.591 } },
    ],
    [{ n: 4, score: 0.5, interval: { low: 0.15, high: 0.85 } }, { n: 0 }],
  ],
};

test("heat map: every cell carries its length, depth, score, interval and n, and stands in its row and column", () => {
  const svg = heatMap({ label: "map", table });
  const titles = [...svg.matchAll(/<title>([^<]*)<\/title>/g)].map(([, title]) => title);
  assert.deepEqual(titles, [
    "1K, depth 0%: 100.0 (95% interval 67.6 to 100.0, n = 8)",
    "1K, depth 40–60%: 50.0 (95% interval 15.0 to 85.0, n = 4)",
    "32K, depth 0%: 25.0 (95% interval 7.1 to 59.1, n = 8)",
    "32K, depth 40–60%: no samples",
  ]);
  const places = [...svg.matchAll(/<rect x="([\d.]+)" y="([\d.]+)" width="[\d.]+" height="[\d.]+" rx="2"/g)];
  const [topLeft, bottomLeft, topRight, bottomRight] = places.map(([, x, y]) => ({ x: Number(x), y: Number(y) }));
  assert.equal(topLeft.x, bottomLeft.x);
  assert.equal(topLeft.y, topRight.y);
  assert.ok(topRight.x > topLeft.x && bottomLeft.y > topLeft.y);
  assert.deepEqual(bottomRight, { x: topRight.x, y: bottomLeft.y });
  assert.ok(svg.includes(`fill="${shadeOf(1).fill}" class="shade"`));
});

test("heat map: both ramps are monotone where they should be: brighter with every tenth of the score", () => {
  const steps = Array.from({ length: 11 }, (_, i) => contrast(shadeOf(i / 10).fill, "#000000"));
  for (let i = 1; i < steps.length; i++) assert.ok(steps[i] > steps[i - 1], `step ${i}`);
  assert.equal(shadeOf(0).classicFill, "#f0496e");
  assert.equal(shadeOf(0.5).classicFill, "#ebb839");
  assert.equal(shadeOf(1).classicFill, "#0cd79f");
});

test("text on every shade, and series on their page, has a contrast of at least 4.5", () => {
  for (let i = 0; i <= 1000; i++) {
    const { fill, ink, classicFill, classicInk } = shadeOf(i / 1000);
    assert.ok(contrast(fill, ink) >= 4.5, `score ${i / 1000}`);
    assert.ok(contrast(classicFill, classicInk) >= 4.5, `classic score ${i / 1000}`);
  }
  for (const color of seriesColors) assert.ok(contrast(color, "#ffffff") >= 4.5, color);
  for (const color of darkSeriesColors) assert.ok(contrast(color, "#131518") >= 4.5, color);
});

test("length curves: the band contains the line at every length, and equal ratios of length are equally far apart", () => {
  const score = fc.double({ min: 0, max: 1, noNaN: true });
  fc.assert(
    fc.property(fc.array(fc.tuple(score, score, score), { minLength: 2, maxLength: 6 }), (triples) => {
      const points = triples.map((triple, i) => {
        const [low, middle, high] = [...triple].sort((a, b) => a - b);
        return { x: 1024 * 2 ** i, score: middle, interval: { low, high } };
      });
      const svg = lengthCurves({ label: "curves", curves: [{ label: "run", series: 0, points }] });
      const line = coordinates(svg, "line");
      const band = coordinates(svg, "band");
      assert.equal(line.length, points.length);
      assert.equal(band.length, 2 * points.length);
      line.forEach(([x, y], i) => {
        // The area runs along the upper ends and back along the lower ones; down is greater.
        const [upper, lower] = [band[i], band[band.length - 1 - i]];
        assert.ok(upper[0] === x && lower[0] === x);
        assert.ok(upper[1] <= y + 0.011 && y <= lower[1] + 0.011, `${upper[1]} ${y} ${lower[1]}`);
      });
      const gaps = line.slice(1).map(([x], i) => x - line[i][0]);
      for (const gap of gaps) assert.ok(Math.abs(gap - gaps[0]) < 0.03);
    }),
    { numRuns: 50 },
  );
});

test("length curves: the names of lines stand at their ends", () => {
  const points = [
    { x: 1024, score: 0.9 },
    { x: 2048, score: 0.7 },
  ];
  const svg = lengthCurves({ label: "curves", threshold: 0.856, curves: [{ label: "a < b", series: 1, points }] });
  assert.match(svg, />a &lt; b<\/text>/);
  assert.match(svg, />85\.6<\/text>/);
});

test("names at line ends: at least the gap apart and above the bottom, in the order of their lines", () => {
  const heights = fc.array(fc.double({ min: 0, max: 300, noNaN: true }), { minLength: 1, maxLength: 15 });
  fc.assert(
    fc.property(heights, (wanted) => {
      const placed = spread(wanted, 15, 300);
      const order = wanted.map((_, i) => i).sort((a, b) => wanted[a] - wanted[b] || a - b);
      order.forEach((i, rank) => {
        assert.ok(placed[i] <= 300 + 1e-9);
        if (rank > 0) assert.ok(placed[i] - placed[order[rank - 1]] >= 15 - 1e-9);
      });
    }),
  );
});

test("depth curves: the beginning is left, the end is right, a higher score is higher", () => {
  const points = [0, 0.5, 1].map((x) => ({ x, score: Math.abs(2 * x - 1) }));
  const [first, middle, last] = coordinates(
    depthCurves({ label: "u", curves: [{ label: "", series: 0, points }] }),
    "line",
  );
  assert.ok(first[0] < middle[0] && middle[0] < last[0]);
  assert.ok(middle[1] > first[1] && first[1] === last[1]);
});

test("Pareto front: no point of it is beaten, every other point is beaten or equalled by one of it", () => {
  const point = fc.record({ cost: fc.integer({ min: 1, max: 20 }), score: fc.integer({ min: 0, max: 20 }) });
  fc.assert(
    fc.property(fc.array(point, { minLength: 1, maxLength: 12 }), (points) => {
      const front = paretoFront(points);
      for (const one of front)
        assert.ok(
          !points.some(
            ({ cost, score }) => (cost < one.cost && score >= one.score) || (cost <= one.cost && score > one.score),
          ),
        );
      for (const one of points) assert.ok(front.some(({ cost, score }) => cost <= one.cost && score >= one.score));
    }),
  );
});

test("Pareto chart: each point says its score and cost; costs that differ much are on a log axis", () => {
  const points = [
    { label: "q8", series: 0, cost: 1, score: 0.8, interval: { low: 0.7, high: 0.9 } },
    { label: "f32", series: 1, cost: 100, score: 0.9 },
    { label: "f16", series: 2, cost: 10, score: 0.85 },
  ];
  const svg = paretoChart({ label: "p", costLabel: "seconds", points, format: formatSeconds });
  assert.match(svg, /<title>q8: 80\.0 \(95% interval 70\.0 to 90\.0\) at 1 s<\/title>/);
  const [one, hundred, ten] = [...svg.matchAll(/<circle cx="([\d.]+)"/g)].map(([, x]) => Number(x));
  assert.ok(Math.abs(ten - one - (hundred - ten)) < 0.03);
});

test("forest plot: differences lie on the side of their sign, and only significant ones are filled", () => {
  const row = { n: 20, p: 0.01, interval: { low: -0.3, high: -0.1 } };
  const rows = [
    { ...row, label: "worse", difference: -0.2, isSignificant: true },
    { ...row, label: "same", difference: 0, interval: { low: -0.1, high: 0.1 }, p: 1, isSignificant: false },
  ];
  const svg = forestPlot({ label: "f", groups: [{ title: "4K", rows }], worse: "worse", better: "better" });
  const marks = [...svg.matchAll(/<circle cx="([\d.]+)" cy="[\d.]+" r="4" fill="([^"]+)"/g)];
  assert.deepEqual(
    marks.map(([, , fill]) => fill),
    ["currentColor", "var(--page, #fff)"],
  );
  assert.ok(Number(marks[0][1]) < Number(marks[1][1]));
  assert.match(svg, /worse: −20\.0 \(95% interval −30\.0 to −10\.0\), n = 20, p = 0\.010/);
});

test("markup: text and attributes cannot leave their place", () => {
  assert.equal(escapeText(`<a href="x">&\u0000`), "&lt;a href=&quot;x&quot;&gt;&amp;\ufffd");
  assert.equal(textElement("p", { title: '"><b>' }, "</p>"), '<p title="&quot;&gt;&lt;b&gt;">&lt;/p&gt;</p>');
  assert.equal(element("i", { a: undefined, b: false, hidden: true, c: 1 / 3 }), '<i hidden c="0.33"></i>');
});

test("numbers: thousands, units and signs", () => {
  assert.equal(formatCount(1234567), "1,234,567");
  assert.equal(formatCount(999), "999");
  assert.equal(formatDifference(-0.031), "−3.1");
  assert.equal(formatDifference(0.5), "+50.0");
  assert.equal(formatDifference(-0.0001), "0.0");
  assert.equal(formatSeconds(0.01234), "0.0123 s");
  assert.equal(formatSeconds(1234), "21 min");
  assert.equal(formatSeconds(9000), "2.5 h");
  assert.equal(formatBytes(1536), "1.5 KiB");
  assert.equal(formatBytes(24 * 2 ** 30), "24 GiB");
});

/** Points of the path with this class. */
function coordinates(svg: string, name: string): number[][] {
  const [, path] = svg.match(new RegExp(`<path class="${name}" d="([^"]*)"`))!;
  return [...path.matchAll(/([\d.]+),([\d.]+)/g)].map(([, x, y]) => [Number(x), Number(y)]);
}
