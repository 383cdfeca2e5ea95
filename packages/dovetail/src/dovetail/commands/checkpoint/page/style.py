"""How the page of a checkpoint looks, in light and in dark."""

from __future__ import annotations

from ...page_style import PAGE_STYLE

STYLE = (
    PAGE_STYLE
    + """
:root { --wash: #f5f7fa; --fill: #0b62c4; --bar: #cfe0f5; }
@media (prefers-color-scheme: dark) { :root { --wash: #1b2129; --fill: #6cb0ff; --bar: #2b4a6e; } }
body { max-width: 72rem; }
h1 { overflow-wrap: anywhere; }
h2 { margin-top: 2.75rem; }
h3 { font-size: .95rem; margin: 1.5rem 0 .35rem; overflow-wrap: anywhere; }
a { color: inherit; }
a bdi { text-decoration: underline var(--s0); text-underline-offset: .2em; }
bdi { display: inline-block; max-width: 100%; overflow: hidden; vertical-align: bottom; }
.facts { display: flex; flex-wrap: wrap; gap: .75rem 2.25rem; margin: 1.25rem 0 .5rem; padding: 0; }
.facts div { display: flex; flex-direction: column; }
.facts dt { color: var(--soft); font-size: .8rem; }
.facts dd { margin: 0; font-size: 1.3rem; font-weight: 600; font-variant-numeric: tabular-nums; }
.digest { overflow-wrap: anywhere; max-width: none; }
.stack { display: flex; gap: 2px; height: .9rem; margin: .5rem 0 .4rem; border-radius: 3px; overflow: hidden; }
.stack span { flex: 1 0 0; min-width: 2px; }
.legend { display: flex; flex-wrap: wrap; gap: .1rem 1.4rem; margin: 0; padding: 0; list-style: none;
  font-size: .9rem; }
.legend bdi { max-width: 24rem; white-space: nowrap; text-overflow: ellipsis; }
.key { display: inline-block; width: .7rem; height: .7rem; border-radius: 2px; margin-right: .4rem; }
.c0 { background: var(--s0); } .c1 { background: var(--s1); } .c2 { background: var(--s2); }
.c3 { background: var(--s3); } .c4 { background: var(--s4); } .c5 { background: var(--s5); }
.tree { --columns: minmax(8rem, 1fr) 6.5rem 9.5rem 5.5rem 6.5rem;
  font-size: .9rem; font-variant-numeric: tabular-nums; }
.tree.marked { --columns: minmax(8rem, 1fr) 6.5rem 9.5rem 5.5rem 5rem 15rem; }
.tree details > div { margin-left: .45rem; padding-left: .8rem; border-left: 1px solid var(--rule); }
.tree summary { list-style: none; cursor: pointer; }
.tree summary::-webkit-details-marker { display: none; }
.row { display: grid; grid-template-columns: var(--columns); column-gap: .9rem; align-items: start;
  padding: .16rem .4rem; border-radius: 4px; }
.row:not(.head):hover { background: var(--wash); }
.row .n { overflow-wrap: anywhere; padding-left: 1rem; }
.row.group .n { position: relative; font-weight: 600; }
.row.group .n::before { content: ""; position: absolute; left: .15rem; top: .4rem; width: 0; height: 0;
  border: .3rem solid transparent; border-left: .4rem solid var(--soft); border-right: 0; }
details[open] > summary > .row.group .n::before { transform: rotate(90deg); }
.row .many { grid-column: span 2; color: var(--soft); }
.row .s { overflow-wrap: anywhere; }
.row .b { text-align: right; white-space: nowrap; }
.row .bar { margin-top: .42rem; height: .6rem; border-radius: 2px; background: var(--wash); }
.row:hover .bar { background: var(--page); }
.row .bar span { display: block; height: 100%; min-width: 1px; border-radius: 2px; background: var(--fill); }
.row.group .bar span { background: var(--bar); }
.row .d { color: var(--soft); overflow-wrap: anywhere; }
.row.changed .d { color: var(--s1); } .row.other .d { color: var(--s3); }
.row.new .d { color: var(--s2); } .row.gone .d { color: var(--s5); }
.row.gone .n bdi { text-decoration: line-through; }
.row.head { color: var(--soft); font-weight: 600; border-bottom: 1px solid var(--rule); border-radius: 0;
  position: sticky; top: 0; background: var(--page); z-index: 1; }
.row.head span:nth-child(4) { text-align: right; }
.row.head span:first-child { padding-left: 1rem; }
.cards { display: grid; grid-template-columns: repeat(auto-fill, minmax(20rem, 1fr)); gap: 1.25rem;
  margin-top: .75rem; }
.card { border: 1px solid var(--rule); border-radius: 8px; padding: .9rem 1.1rem 1rem; min-width: 0; }
.card:target { border-color: var(--s0); box-shadow: 0 0 0 1px var(--s0); }
.card h3 { margin: 0; }
.card p { margin: .1rem 0 .5rem; }
.card .scroll + p { margin: .6rem 0 0; }
.card .empty { height: 6.5rem; }
.card table { width: 100%; margin-top: .4rem; font-size: .85rem; }
.card th, .card td { padding: .2rem 0 .2rem .6rem; }
.card td:first-child { min-width: 0; padding-left: 0; }
.card th:empty { padding: 0; border: 0; }
svg { display: block; width: 100%; height: auto; }
svg text { font: 11px system-ui, sans-serif; fill: var(--soft); font-variant-numeric: tabular-nums; }
svg .filled { fill: var(--s0); fill-opacity: .55; }
svg .outline { fill: none; stroke: var(--s1); stroke-width: 1.5; stroke-linejoin: round; }
svg .base { stroke: var(--rule); stroke-width: 1.5; }
svg .zero { stroke: var(--soft); stroke-dasharray: 2 3; stroke-opacity: .7; }
.k0 { background: var(--s0); opacity: .65; }
.k1 { background: none; border: 2px solid var(--s1); box-sizing: border-box; }
.bad { color: var(--s1); font-weight: 600; }
td.t, th.t { text-align: left; }
td:first-child { white-space: normal; overflow-wrap: anywhere; min-width: 9rem; }
.fold { margin: .6rem 0; }
.fold > summary { cursor: pointer; color: var(--soft); }
@media (max-width: 48rem) {
  .tree, .tree.marked { --columns: minmax(6rem, 1fr) 5rem 6rem 4.5rem; }
  .row .bar, .row.head span:nth-child(5) { display: none; }
  .marked .row .d, .marked .row.head span:nth-child(6) { grid-column: 1 / -1; padding-left: 1rem; }
  .marked .row.head span:nth-child(6) { display: none; }
}
@media print { .row.head { position: static; } }
"""
)
