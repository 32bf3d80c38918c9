/** The style sheet of the page: light, dark, and paper. */
import { darkSeriesColors, seriesColors } from "../charts/color.ts";

const light = scheme("#ffffff", "#f6f6f4", "#1b1d20", "#5c636b", "#e2e2de", "#0067a8", seriesColors);
const dark = scheme("#131518", "#1b1e22", "#e9eaec", "#a3abb4", "#31363c", "#6db9f2", darkSeriesColors);

/** Page, panel, ink, muted ink, line, accent. */
function scheme(
  page: string,
  panel: string,
  ink: string,
  muted: string,
  line: string,
  accent: string,
  series: readonly string[],
): string {
  const names = series.map((color, i) => `--series-${i}:${color}`).join(";");
  return `--page:${page};--panel:${panel};--ink:${ink};--muted:${muted};--line:${line};--accent:${accent};${names}`;
}

export const pageStyle = `
:root{color-scheme:light dark;${light}}
@media (prefers-color-scheme:dark){:root{${dark}}}
@media print{:root{color-scheme:light;${light}}}
${seriesColors.map((_, i) => `.series-${i}{color:var(--series-${i})}`).join("\n")}
*{box-sizing:border-box}
html{scroll-behavior:smooth;-webkit-text-size-adjust:100%}
body{margin:0 auto;padding:0 clamp(1rem,4vw,3rem);max-width:72rem;background:var(--page);color:var(--ink);
font:400 1rem/1.55 system-ui,-apple-system,"Segoe UI",Roboto,"Helvetica Neue",Arial,sans-serif;font-variant-numeric:tabular-nums}
a{color:var(--accent)}
:focus-visible{outline:2px solid var(--accent);outline-offset:2px}
h1,h2,h3,h4{line-height:1.2;font-weight:650;letter-spacing:-.01em;text-wrap:balance}
h1{font-size:clamp(1.6rem,3.4vw,2.4rem);margin:.2rem 0 .8rem;letter-spacing:-.022em;overflow-wrap:anywhere}
h2{font-size:1.45rem;margin:0 0 .4rem}
h3{font-size:1.02rem;margin:2rem 0 .8rem}
small{font-size:.78rem;color:var(--muted)}
header{padding:4rem 0 1.6rem}
.eyebrow{margin:0;color:var(--muted);font-size:.9rem}
.subtitle{margin:.15rem 0;color:var(--muted)}
.where{margin:.15rem 0;color:var(--muted);font-size:.9rem}
.key{margin-right:.8em}
.key::before{content:"";display:inline-block;width:.7em;height:.7em;border-radius:50%;background:currentColor;margin-right:.45em}
nav{display:flex;flex-wrap:wrap;gap:.3rem 1.3rem;padding:.7rem 0;border-block:1px solid var(--line);font-size:.9rem}
nav a{color:var(--ink);text-decoration:none}
nav a:hover{text-decoration:underline;text-underline-offset:.25em}
.toggle{margin-left:auto;color:var(--muted);display:flex;align-items:center;gap:.4em;cursor:pointer}
.toggle input{margin:0;accent-color:var(--accent)}
section{padding:3.2rem 0 0}
p,li{text-wrap:pretty}
.lead{margin:0 0 1.4rem;max-width:46rem;color:var(--muted)}
.warning{margin:0 0 1.4rem;padding:.8rem 1rem;border-left:4px solid var(--series-1);background:var(--panel);max-width:46rem}
.scroll{overflow-x:auto;margin:0 0 2rem}
table{border-collapse:collapse}
caption{text-align:left;color:var(--muted);font-size:.9rem;padding:0 0 .6rem}
th{font-weight:500;text-align:left;vertical-align:baseline}
thead th{color:var(--muted);font-size:.9rem;padding:.3rem .8rem}
thead th:first-child{padding-left:0}
tbody th{padding:.3rem 1.4rem .3rem 0;font-size:.92rem}
.scores tbody th{min-width:13rem;max-width:20rem;overflow-wrap:anywhere}
.scores{border-collapse:separate;border-spacing:2px}
.scores thead th+th{text-align:center}
.scores td{width:5.6rem;padding:.34rem .4rem;text-align:center;line-height:1.2;border-radius:3px}
.scores td span{display:block;font-weight:600}
.scores td small{color:inherit;font-weight:400}
.scores tbody th{vertical-align:middle}
.scores .empty{color:var(--muted);background:var(--panel)}
.shaded{background:var(--fill);color:var(--ink-on,var(--ink))}
.scores .mean th,.scores .mean td{border-top:6px solid var(--page);font-weight:650;background-clip:padding-box}
:root:has(#classic:checked) .shaded{background-color:var(--classic);color:var(--classic-ink)}
:root:has(#classic:checked) .shade{fill:var(--classic)}
:root:has(#classic:checked) .ink{fill:var(--classic-ink)}
.headline td,.headline th{padding:.6rem 2rem .6rem 0;vertical-align:top}
.headline thead th span{display:block;color:var(--ink);font-weight:600}
.headline thead small{display:block;min-width:8rem;max-width:13rem;line-height:1.35}
.headline tbody th{min-width:9rem;max-width:18rem;overflow-wrap:anywhere;padding-top:1rem;font-weight:600}
.headline tbody tr{border-top:1px solid var(--line)}
.headline td small{display:block}
.big{font-size:2rem;font-weight:600;letter-spacing:-.02em;line-height:1.3;white-space:nowrap}
.facts th,.facts td,.plain th,.plain td{padding:.42rem 1.6rem .42rem 0;vertical-align:top;border-top:1px solid var(--line)}
.facts thead th,.facts thead td{border-top:0;font-weight:650}
.facts tbody th{color:var(--muted);white-space:nowrap}
.facts td{max-width:32rem;overflow-wrap:anywhere}
.facts pre{margin:0;font-size:.8rem;line-height:1.4}
.plain{font-size:.88rem}
.plain th,.plain td{white-space:nowrap}
details>summary{cursor:pointer;color:var(--muted);margin:.4rem 0 1rem}
figure{margin:0 0 1.8rem;min-width:0;break-inside:avoid}
figcaption{font-size:.92rem;font-weight:600;margin:0 0 .5rem;overflow-wrap:anywhere}
figcaption small{display:block;white-space:pre-line;font-weight:400;margin-top:.2rem;max-width:34rem}
.chart{display:block;max-width:100%;height:auto;overflow:visible}
.chart .band,.chart .line{stroke-linejoin:round}
.chart .axis{font-size:11px}
.chart .halo{paint-order:stroke;stroke:var(--page);stroke-width:3px}
.grid{display:grid;gap:.4rem 2.2rem;align-items:start}
.large{grid-template-columns:repeat(auto-fill,minmax(min(100%,26rem),1fr))}
.small{grid-template-columns:repeat(auto-fill,minmax(14.5rem,1fr))}
.notes{padding-left:1.2rem;max-width:52rem}
.notes li{margin:.3rem 0}
footer{margin:4rem 0 3rem;padding-top:1rem;border-top:1px solid var(--line);color:var(--muted);font-size:.85rem}
@media print{
body{max-width:none;font-size:10pt;padding:0}
nav,#samples{display:none}
header{padding:0 0 1rem}
section{padding-top:1.6rem}
h2,h3,figcaption{break-after:avoid}
tr,figure,.headline{break-inside:avoid}
caption{break-after:avoid}
.chart{max-height:21cm}
.scroll{overflow:visible}
.shaded,.shade,.key::before{print-color-adjust:exact;-webkit-print-color-adjust:exact}
}
`;
