"""How the page of `dovetail bench-kernel` looks, in light and in dark."""

from __future__ import annotations

from .page_style import PAGE_STYLE

COLORS = 6
"""Colors that lines have, --s0 and so on; each goes with a mark of its own."""

_LINES = "\n".join(
    f"svg .line.s{n} {{ stroke: var(--s{n}); }} svg .mark.s{n}, svg .label.s{n} {{ fill: var(--s{n}); }}"
    for n in range(COLORS)
)

STYLE = f"""{PAGE_STYLE}
.lead {{ font-size: 1.05rem; }}
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
table {{ width: 100%; }}
td .soft {{ font-size: .8rem; }}
td.best {{ font-weight: 650; }}
td.gap {{ color: var(--soft); }}
ul {{ padding-left: 1.2rem; }}
.wrong {{ color: var(--s1); }}
"""
