"""How pages look: light and dark, on paper and on a phone, without anything from the network."""

from __future__ import annotations

__all__ = ["CSS"]

CSS = """
:root { color-scheme: light dark; --ink: #1c2024; --soft: #60676f; --line: #dfe3e8; --back: #f6f7f9; --sheet: #fff;
  --yes: #18794e; --no: #c62a2f; --warn: #ad5700; --mark: #2563a8; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e8eaed; --soft: #9aa3ad; --line: #32383f; --back: #14171a; --sheet: #1c2024; --yes: #4cc38a; --no: #ff8b8b; --warn: #ffb224;
    --mark: #6cb0f5; }
}
* { box-sizing: border-box; }
body { margin: 0; padding: 1.5rem 1rem 4rem; background: var(--back); color: var(--ink); font: 15px/1.5 system-ui, sans-serif; }
main { max-width: 72rem; margin: 0 auto; }
h1 { margin: 0; font-size: 1.5rem; }
h2 { margin: 0 0 .6rem; font-size: 1.05rem; }
p { margin: .3rem 0; }
.soft, dt, th { color: var(--soft); }
.sheet { margin-top: 1rem; padding: 1rem 1.2rem; background: var(--sheet); border: 1px solid var(--line); border-radius: .6rem; }
.verdict { border-left: .4rem solid var(--soft); }
.lead { font-size: 1.1rem; }
.verdict.yes { border-left-color: var(--yes); } .verdict.no { border-left-color: var(--no); }
.yes b, td.yes { color: var(--yes); } .no b, td.no, .critical { color: var(--no); } .warning { color: var(--warn); }
.wide { overflow-x: auto; }
.charts { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 24rem), 1fr)); gap: 1rem 2rem; margin: .6rem 0 1rem; }
figure { margin: 0; max-width: 100%; } figcaption { font-size: .93em; font-weight: 500; margin-bottom: .3rem; }
svg.chart { max-width: 100%; height: auto; }
.charts svg.chart { width: 100%; }
table { width: 100%; border-collapse: collapse; font-variant-numeric: tabular-nums; }
th { text-align: left; font-weight: 500; font-size: .85em; }
td, th { padding: .3rem .8rem .3rem 0; border-bottom: 1px solid var(--line); vertical-align: top; }
tbody tr:last-child > * { border-bottom: 0; }
td.number { white-space: nowrap; }
tbody th { color: var(--ink); font-size: 1em; font-weight: 400; } tbody th code { color: var(--soft); }
.found th[scope=row] { min-width: 14rem; } .found tbody code { display: block; }
.found td.said { min-width: 14rem; }
code, pre { font: .85em/1.5 ui-monospace, monospace; overflow-wrap: anywhere; }
pre { margin: 0; white-space: pre-wrap; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: .2rem 1.2rem; margin: 0; }
dd { margin: 0; overflow-wrap: anywhere; }
summary { cursor: pointer; font-weight: 600; }
details > :not(summary) { margin-top: .6rem; }
svg.plot { width: 100%; height: auto; margin: .4rem 0 .8rem; font: 12px system-ui, sans-serif; }
.plot text { fill: var(--soft); } .plot text.name { fill: var(--ink); } .plot rect { fill: var(--yes); }
.plot line { stroke: var(--soft); } .plot polyline { fill: none; stroke: var(--soft); stroke-width: 1.2; }
.plot circle { fill: var(--soft); opacity: .6; } .plot circle.front { fill: var(--mark); opacity: 1; } .plot circle.chosen { fill: var(--yes); opacity: 1; }
.plot polyline.best { stroke: var(--yes); stroke-width: 3; }
@media (max-width: 34rem) {
  body { padding: 1rem .6rem 3rem; } .sheet { padding: .8rem; }
  dl { grid-template-columns: 1fr; gap: 0; } dd { margin-bottom: .5rem; }
  .stacked thead { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); }
  .stacked, .stacked tbody, .stacked tr, .stacked th, .stacked td { display: block; }
  .stacked tr { padding: .4rem 0; border-bottom: 1px solid var(--line); } .stacked tr:last-child { border-bottom: 0; }
  .stacked th, .stacked td { padding: 0; border: 0; } .stacked td:empty { display: none; }
  .stacked td[data-of]::before { content: attr(data-of) " "; color: var(--soft); font-size: .85em; }
}
@media print {
  :root { color-scheme: light; --ink: #000; --soft: #444; --line: #bbb; --back: #fff; --sheet: #fff;
    --yes: #18794e; --no: #c62a2f; --warn: #ad5700; --mark: #2563a8; }
  body { padding: 0; font-size: 11px; } .sheet { break-inside: avoid; border-radius: 0; padding: .5rem .7rem; } .wide { overflow: visible; }
  td.number { white-space: normal; } td, th { overflow-wrap: anywhere; } .found th[scope=row], .found td.said { min-width: 0; }
}
"""
