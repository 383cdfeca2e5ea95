"""What pages that commands write have in common: colors in light and in dark, text, tables."""

from __future__ import annotations

PAGE_STYLE = """
:root {
  color-scheme: light dark;
  --text: #1d2430; --soft: #5d6675; --rule: #e3e6eb; --page: #fff;
  --s0: #0b62c4; --s1: #c2410c; --s2: #0f7b53; --s3: #8b3fb8; --s4: #94700a; --s5: #b8255f;
}
@media (prefers-color-scheme: dark) {
  :root {
    --text: #e4e8ee; --soft: #98a2b1; --rule: #2c333d; --page: #14181e;
    --s0: #6cb0ff; --s1: #ff9a62; --s2: #4fd0a0; --s3: #cf9bf2; --s4: #e3bd4a; --s5: #ff86b3;
  }
}
body {
  margin: 0 auto; max-width: 60rem; padding: 2.5rem 1.25rem 4rem;
  background: var(--page); color: var(--text); font: 16px/1.55 system-ui, sans-serif;
}
h1 { font-size: 1.6rem; line-height: 1.25; margin: 0 0 .25rem; }
h2 { font-size: 1.1rem; margin: 2.5rem 0 .5rem; }
p { margin: .4rem 0; max-width: 46rem; }
code { font-family: ui-monospace, monospace; font-size: .94em; }
.soft, figcaption { color: var(--soft); font-size: .9rem; }
figure { margin: 0; overflow-x: auto; }
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-size: .9rem; font-variant-numeric: tabular-nums; }
th, td { padding: .4rem .7rem; text-align: right; border-bottom: 1px solid var(--rule); white-space: nowrap; }
th { color: var(--soft); font-weight: 600; vertical-align: bottom; }
th:first-child, td:first-child { text-align: left; padding-left: 0; }
"""
