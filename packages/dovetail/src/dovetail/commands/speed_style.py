"""How the page of `dovetail bench-kernel` looks, in light and in dark."""

from __future__ import annotations

COLORS = 6
"""Colors that lines have, --s0 and so on; each goes with a mark of its own."""

_LINES = "\n".join(
    f"svg .line.s{n} {{ stroke: var(--s{n}); }} svg .mark.s{n}, svg .label.s{n} {{ fill: var(--s{n}); }}"
    for n in range(COLORS)
)

STYLE = f"""
:root {{
  color-scheme: light dark;
  --text: #1d2430; --soft: #5d6675; --rule: #e3e6eb; --page: #fff;
  --s0: #0b62c4; --s1: #c2410c; --s2: #0f7b53; --s3: #8b3fb8; --s4: #94700a; --s5: #b8255f;
}}
@media (prefers-color-scheme: dark) {{
  :root {{
    --text: #e4e8ee; --soft: #98a2b1; --rule: #2c333d; --page: #14181e;
    --s0: #6cb0ff; --s1: #ff9a62; --s2: #4fd0a0; --s3: #cf9bf2; --s4: #e3bd4a; --s5: #ff86b3;
  }}
}}
body {{
  margin: 0 auto; max-width: 60rem; padding: 2.5rem 1.25rem 4rem;
  background: var(--page); color: var(--text); font: 16px/1.55 system-ui, sans-serif;
}}
h1 {{ font-size: 1.6rem; line-height: 1.25; margin: 0 0 .25rem; }}
h2 {{ font-size: 1.1rem; margin: 2.5rem 0 .5rem; }}
p {{ margin: .4rem 0; max-width: 46rem; }}
code {{ font-family: ui-monospace, monospace; font-size: .94em; }}
.lead {{ font-size: 1.05rem; }}
.soft, figcaption {{ color: var(--soft); font-size: .9rem; }}
figure {{ margin: 0; overflow-x: auto; }}
svg {{ display: block; width: 100%; min-width: 34rem; height: auto; }}
svg text {{ font: 12.5px system-ui, sans-serif; fill: var(--soft); }}
svg .axis {{ text-anchor: middle; fill: var(--text); }}
svg .label {{ font-weight: 600; }}
svg .grid, svg .leader {{ stroke: var(--rule); fill: none; }}
svg .line {{ fill: none; stroke-width: 2; stroke-linejoin: round; }}
svg .line.s0 {{ stroke-width: 2.75; }}
svg .mark {{ stroke: var(--page); stroke-width: 1.2; }}
svg .limit {{ fill: none; stroke: var(--soft); stroke-width: 1.6; stroke-dasharray: 5 4; }}
{_LINES}
.scroll {{ overflow-x: auto; }}
table {{ border-collapse: collapse; font-size: .9rem; font-variant-numeric: tabular-nums; width: 100%; }}
th, td {{ padding: .4rem .7rem; text-align: right; border-bottom: 1px solid var(--rule); white-space: nowrap; }}
th {{ color: var(--soft); font-weight: 600; vertical-align: bottom; }}
th:first-child, td:first-child {{ text-align: left; padding-left: 0; }}
td .soft {{ font-size: .8rem; }}
td.best {{ font-weight: 650; }}
td.gap {{ color: var(--soft); }}
ul {{ padding-left: 1.2rem; }}
.wrong {{ color: var(--s1); }}
"""
