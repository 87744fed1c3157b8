// How the report's page looks, light and dark; no script, nothing from the network.
#ifndef LITE2PG_ENGINE_REPORT_REPORT_STYLE_H_
#define LITE2PG_ENGINE_REPORT_REPORT_STYLE_H_

namespace lite2pg {

// c0..c7 are the colours of tables in the plots (c7: all others), s0..s8 those of the stages.
inline constexpr char kReportHead[] = R"(<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<style>
:root { color-scheme: light dark; --ink: #1b1f24; --dim: #59636e; --line: #dde2e7; --page: #fff;
  --card: #f5f7f9; --good: #157347; --warn: #8f5a00; --bad: #bc1c28; --goodbg: #e5f4ec;
  --warnbg: #fdf1dc; --badbg: #fce8e9; --link: #2c62b0;
  --c0: #3b6fb6; --c1: #d07a1f; --c2: #3b8f54; --c3: #b0436a; --c4: #7458bd; --c5: #1f9292;
  --c6: #9a7b16; --c7: #9aa3ac; --s0: #8c96a0; --s1: #5f8fcf; --s2: #b39ddb; --s3: #3f9d6b;
  --s4: #d99a3d; --s5: #b39ddb; --s6: #4aa6a6; --s7: #8c96a0; --s8: #c3cad1; }
@media (prefers-color-scheme: dark) { :root { --ink: #e4e8ec; --dim: #98a3ae; --line: #2d343b;
  --page: #121518; --card: #1b2025; --good: #4fc78d; --warn: #e3ab47; --bad: #ff7a7d;
  --goodbg: #12301f; --warnbg: #33260c; --badbg: #3a1719; --link: #7eaef2;
  --c0: #6ea3ec; --c1: #eba25a; --c2: #63bf80; --c3: #e2789c; --c4: #a58ff0; --c5: #4fc4c4;
  --c6: #cfae45; --c7: #6b757f; --s0: #7b858f; --s1: #4f7fbd; --s2: #8a73b8; --s3: #3a8f61;
  --s4: #b98030; --s5: #8a73b8; --s6: #3c8f8f; --s7: #7b858f; --s8: #555e67; } }
* { box-sizing: border-box; }
body { font: 15px/1.5 system-ui, -apple-system, "Segoe UI", sans-serif; color: var(--ink);
  background: var(--page); margin: 0 auto; max-width: 74rem; padding: 1.5rem 1.25rem 3rem;
  overflow-wrap: anywhere; }
h1 { font-size: 1.45rem; line-height: 1.3; margin: .2rem 0 0; text-wrap: balance; }
h2 { font-size: 1.15rem; margin: 2.4rem 0 .6rem; padding-top: .3rem; }
h3 { font-size: 1rem; margin: 1.2rem 0 .3rem; }
.good { color: var(--good); } .warn { color: var(--warn); } .bad { color: var(--bad); }
.dim { color: var(--dim); } .k { white-space: nowrap; }
.top { border-radius: 10px; padding: 1rem 1.25rem; border-left: 6px solid; }
.top.good { background: var(--goodbg); } .top.warn { background: var(--warnbg); }
.top.bad { background: var(--badbg); } .top p { margin: .15rem 0 0; color: var(--ink); }
.top .small { color: var(--dim); margin: 0; font-size: .85rem; }
.tiles { display: grid; grid-template-columns: repeat(auto-fit, minmax(8.5rem, 1fr)); gap: .7rem;
  margin: 1rem 0; }
.tiles div { background: var(--card); border-radius: 8px; padding: .55rem .85rem; }
.tiles b { display: block; font-size: 1.2rem; font-variant-numeric: tabular-nums; }
.tiles span { color: var(--dim); font-size: .85rem; }
.note { background: var(--card); border-left: 4px solid var(--line); border-radius: 6px;
  padding: .55rem .9rem; margin: .5rem 0; }
.note.warn { border-color: var(--warn); color: inherit; }
.note.bad { border-color: var(--bad); color: inherit; }
.note p { margin: 0; } .note p + p { margin-top: .2rem; }
.tag { font-size: .8rem; font-weight: 600; margin-right: .5rem; }
code, pre { font: 13px/1.45 ui-monospace, "SF Mono", Menlo, Consolas, monospace; }
pre { background: var(--card); padding: .6rem .9rem; white-space: pre-wrap; border-radius: 6px;
  margin: .4rem 0; }
td code { color: var(--dim); } .note pre { background: var(--page); } td.k { width: 1%; }
.wide { overflow-x: auto; overflow-wrap: break-word; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; padding: .32rem .8rem .32rem 0; border-bottom: 1px solid var(--line);
  vertical-align: top; } th { color: var(--dim); font-weight: 600; font-size: .85rem; }
td:last-child, th:last-child { padding-right: 0; }
.n { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .1rem 1rem; margin: .6rem 0; }
dt { color: var(--dim); } dd { margin: 0; } details { margin: .35rem 0; }
summary { cursor: pointer; } summary:hover { color: var(--link); }
nav { margin: .8rem 0 0; } nav a { color: var(--link); margin-right: 1rem; text-decoration: none; }
svg { min-width: 640px; width: 100%; height: auto; display: block; }
svg text { font: 12px system-ui, sans-serif; fill: var(--ink); }
svg .axis { fill: var(--dim); font-size: 11px; } svg .on { fill: #fff; font-size: 11px; }
.grid { stroke: var(--line); stroke-width: 1; } .base { stroke: var(--dim); stroke-width: .5; }
.area { fill: var(--c0); fill-opacity: .55; stroke: var(--c0); stroke-width: 1; }
.band { fill-opacity: .13; }
.legend { color: var(--dim); font-size: .85rem; margin: .2rem 0 1rem; }
.legend span { margin-right: 1rem; }
.legend i { display: inline-block; width: .8em; height: .8em; border-radius: 2px;
  margin-right: .35em; vertical-align: -.05em; }
.c0 { fill: var(--c0); background: var(--c0); } .c1 { fill: var(--c1); background: var(--c1); }
.c2 { fill: var(--c2); background: var(--c2); } .c3 { fill: var(--c3); background: var(--c3); }
.c4 { fill: var(--c4); background: var(--c4); } .c5 { fill: var(--c5); background: var(--c5); }
.c6 { fill: var(--c6); background: var(--c6); } .c7 { fill: var(--c7); background: var(--c7); }
.s0 { fill: var(--s0); background: var(--s0); } .s1 { fill: var(--s1); background: var(--s1); }
.s2 { fill: var(--s2); background: var(--s2); } .s3 { fill: var(--s3); background: var(--s3); }
.s4 { fill: var(--s4); background: var(--s4); } .s5 { fill: var(--s5); background: var(--s5); }
.s6 { fill: var(--s6); background: var(--s6); } .s7 { fill: var(--s7); background: var(--s7); }
.s8 { fill: var(--s8); background: var(--s8); }
footer { margin-top: 3rem; color: var(--dim); font-size: .85rem; }
@media print { body { max-width: none; } details { display: block; } }
</style>
)";

}  // namespace lite2pg

#endif  // LITE2PG_ENGINE_REPORT_REPORT_STYLE_H_
