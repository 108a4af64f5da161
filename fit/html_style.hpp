// The style of the pages: light and dark, wide and narrow, paper.
#pragma once

namespace likeness::html {

inline constexpr const char* kStyle = R"(
:root { --ground: #fcfcfb; --ink: #1c1f23; --soft: #666c74; --line: #dfe1e4; --track: #eceef0; --bar: #2f6fae; --nuisance: #8a7f6d;
  --photo: #c06a00; --client: #0a77b5; --ok: #2e7d4f;
  --f1: #17406d; --f2: #2f6fae; --f3: #6ba3d6; --f4: #b0cfea; --probabilities: #8062a8; --landmarks: #d9862b; --colours: #3c9a78;
  --prior: #a5a39d; --other: #b35478; }
@media screen and (prefers-color-scheme: dark) {
  :root { --ground: #15171a; --ink: #e3e5e8; --soft: #979da6; --line: #2c3036; --track: #24282d; --bar: #6aa5dd; --nuisance: #b0a48e;
    --photo: #f0a33c; --client: #4fb7ee; --ok: #69bd8d;
    --f1: #2d5f95; --f2: #4c8bc9; --f3: #82b4e2; --f4: #bcd8f0; --probabilities: #a58bcb; --landmarks: #e69a48; --colours: #58b592;
    --prior: #7d7b76; --other: #d0789b; } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--ground); color: var(--ink);
  font: 15px/1.45 system-ui, -apple-system, "Segoe UI", Roboto, "Helvetica Neue", "Liberation Sans", sans-serif;
  font-variant-numeric: tabular-nums; print-color-adjust: exact; -webkit-print-color-adjust: exact; }
main { max-width: 1280px; margin: 0 auto; padding: 28px 28px 48px; }
a { color: inherit; text-decoration-color: var(--soft); text-underline-offset: 3px; }
a:focus-visible { outline: 2px solid var(--bar); outline-offset: 3px; }
header { margin-bottom: 20px; }
h1 { font-size: 26px; line-height: 1.2; font-weight: 600; margin: 0; overflow-wrap: anywhere; }
h2 { font-size: 17px; font-weight: 600; margin: 44px 0 14px; padding-top: 14px; border-top: 1px solid var(--line); }
h2 small, h3 small { font-weight: 400; color: var(--soft); font-size: 13px; margin-left: 8px; }
h3 { font-size: 14px; font-weight: 600; margin: 0 0 4px; }
p { margin: 0 0 10px; max-width: 75ch; }
.soft, figcaption, footer { color: var(--soft); font-size: 13px; }
figure { margin: 0; min-width: 0; }
figcaption { margin-top: 5px; line-height: 1.35; }
figcaption b { color: var(--ink); font-weight: 600; }
img, figure svg { display: block; width: 100%; aspect-ratio: 1; border-radius: 3px; background: var(--track); }
img.map { image-rendering: pixelated; }
.hero { display: grid; grid-template-columns: 1fr 1fr minmax(300px, 0.9fr); gap: 20px 24px; align-items: start; }
.four { display: grid; grid-template-columns: repeat(4, minmax(0, 1fr)); gap: 20px; }
.big { font-size: 40px; line-height: 1; font-weight: 600; letter-spacing: -0.01em; margin-bottom: 6px; }
.facts { margin: 0; display: grid; grid-template-columns: auto 1fr; }
.facts dt, .facts dd { padding: 6px 0; border-top: 1px solid var(--line); margin: 0; }
.facts dt { color: var(--soft); }
.facts dd { text-align: right; padding-left: 16px; }
.facts dd small { display: block; color: var(--soft); font-size: 12px; line-height: 1.3; }
.notes { margin: 16px 0 0; padding: 10px 14px; border-left: 3px solid var(--photo); background: var(--track); border-radius: 0 3px 3px 0; }
.notes ul { margin: 0; padding-left: 18px; }
.keys { display: flex; flex-wrap: wrap; gap: 2px 14px; margin: 12px 0 0; padding: 0; list-style: none; color: var(--soft); font-size: 13px; }
.swatch { display: inline-block; width: 10px; height: 10px; border-radius: 2px; margin-right: 6px; box-shadow: inset 0 0 0 1px #80808066; }
.shape { fill: none; stroke-width: 2; stroke-linejoin: round; stroke-linecap: round; }
.halo { fill: none; stroke: #000; stroke-opacity: 0.45; stroke-width: 4; stroke-linejoin: round; stroke-linecap: round; }
.over .photo { stroke: #ffb22e; fill: #ffb22e; } .over .client { stroke: #4cc9ff; fill: #4cc9ff; }
.photo { stroke: var(--photo); fill: var(--photo); } .client { stroke: var(--client); fill: var(--client); }
.photo.shape, .client.shape { fill: none; }
.apart { stroke: var(--soft); stroke-width: 1; fill: none; }
table { border-collapse: collapse; width: 100%; font-size: 13px; }
th { text-align: left; font-weight: 400; color: var(--soft); }
td, th { padding: 4px 12px 4px 0; border-bottom: 1px solid var(--line); vertical-align: top; }
thead th { font-size: 12px; }
td.n, th.n { text-align: right; padding-right: 0; padding-left: 8px; white-space: nowrap; }
tr.sum > * { font-weight: 600; color: var(--ink); border-bottom: 0; }
.mono { font: 12px/1.5 ui-monospace, "SF Mono", Menlo, Consolas, "Liberation Mono", monospace; overflow-wrap: anywhere; }
.mono th { white-space: nowrap; padding-right: 24px; }
.loss { display: grid; grid-template-columns: minmax(0, 1fr) 320px; gap: 24px 36px; align-items: start; }
.chart { position: relative; height: 320px; margin: 4px 0 40px 46px; }
.chart svg { position: absolute; inset: 0; width: 100%; height: 100%; overflow: visible; }
.chart .grid { stroke: var(--line); stroke-width: 1; vector-effect: non-scaling-stroke; }
.chart .area { stroke: var(--ground); stroke-width: 1; vector-effect: non-scaling-stroke; }
.chart .total { fill: none; stroke: var(--ink); stroke-width: 1.6; vector-effect: non-scaling-stroke; }
.chart span { position: absolute; font-size: 12px; line-height: 1; color: var(--soft); white-space: nowrap; }
.chart .y { right: 100%; margin-right: 8px; transform: translateY(50%); }
.chart .x { top: 100%; margin-top: 8px; transform: translateX(-50%); }
.chart .ytitle { left: -46px; top: 50%; transform: rotate(-90deg) translate(-50%, 0); transform-origin: 0 0; }
.chart .xtitle { top: 100%; margin-top: 26px; right: 0; }
.groups { columns: 3 330px; column-gap: 40px; }
.group { break-inside: avoid; padding-bottom: 20px; }
.group h3 { display: flex; align-items: center; gap: 8px; padding-bottom: 4px; border-bottom: 1px solid var(--line); }
.group h3 small { margin-left: auto; }
.row { display: grid; grid-template-columns: minmax(0, 12.5em) minmax(50px, 1fr) 4em; gap: 0 10px; align-items: center; font-size: 13px; line-height: 21px; }
.row > :first-child { overflow-wrap: anywhere; }
.row > :last-child { text-align: right; white-space: nowrap; }
.row .words { grid-column: 2 / 4; color: var(--soft); text-align: left; white-space: normal; line-height: 1.35; padding: 3px 0; }
.row .words b { color: var(--ink); }
.row.part > :first-child { padding-left: 14px; color: var(--soft); }
.track { position: relative; display: block; height: 9px; background: var(--track); border-radius: 2px; }
.track i { position: absolute; top: 0; bottom: 0; background: var(--bar); border-radius: 1px; }
.track.middle::after { content: ""; position: absolute; left: 50%; top: -2px; bottom: -2px; width: 1px; background: var(--soft); }
.nuisance .track i { background: var(--nuisance); }
.sure { width: 60px; height: 6px; }
.sure i { background: var(--ok); }
.times { max-width: 620px; }
.strip { position: relative; height: 44px; margin: 18px 12px 8px; border-bottom: 1px solid var(--line); }
.strip a, .strip b { position: absolute; bottom: 6px; width: 9px; height: 9px; margin-left: -4.5px; border-radius: 50%; background: var(--bar); opacity: 0.65; }
.strip span { position: absolute; top: 100%; margin-top: 5px; transform: translateX(-50%); font-size: 12px; color: var(--soft); }
.cards { display: grid; grid-template-columns: repeat(auto-fill, minmax(228px, 1fr)); gap: 22px; margin: 44px 0 0; padding: 0; list-style: none; }
.card { display: block; text-decoration: none; break-inside: avoid; }
.card .pair { display: grid; grid-template-columns: 1fr 1fr; gap: 2px; }
.card .pair span { aspect-ratio: 1; background: var(--track); border-radius: 3px; }
.card .name { display: flex; justify-content: space-between; gap: 12px; margin-top: 6px; }
.card .name > :first-child { overflow-wrap: anywhere; font-weight: 600; }
a.card:hover .name > :first-child { text-decoration: underline; }
footer { margin-top: 48px; padding-top: 14px; border-top: 1px solid var(--line); }
@media (max-width: 1000px) {
  .hero { grid-template-columns: 1fr 1fr; } .hero > :last-child { grid-column: 1 / 3; }
  .four { grid-template-columns: 1fr 1fr; } .loss { grid-template-columns: minmax(0, 1fr); } }
@media (max-width: 520px) {
  main { padding: 18px 16px 36px; } .hero, .four { gap: 14px 10px; } .chart { height: 240px; } .cards { gap: 18px 12px; grid-template-columns: 1fr 1fr; }
  .facts { font-size: 14px; } .keys { font-size: 12px; } .card .name { font-size: 13px; }
  .refused td { display: block; border: 0; padding: 0; } .refused td:last-child { padding-bottom: 14px; color: var(--soft); } }
@media print {
  body { font-size: 12px; } main { max-width: none; padding: 0; } h2 { break-after: avoid; margin-top: 24px; }
  figure, .loss, tr { break-inside: avoid; } .four { grid-template-columns: repeat(4, minmax(0, 1fr)); }
  .groups { columns: 2; } .loss { grid-template-columns: minmax(0, 1fr) 290px; gap: 20px; }
  .chart { height: 230px; } table { font-size: 11px; } td, th { padding-right: 4px; } td.n, th.n { padding-left: 4px; } .back { display: none; } }
)";

}  // namespace likeness::html
