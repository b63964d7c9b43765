"""Colours and styles. Colours are names, so that a page follows its reader's choice of light and dark. Pure."""

from __future__ import annotations

# Each text reaches a contrast of 4.5 to 1 on its ground, and stable and candidate also differ in lightness.
LIGHT = """
  --ground: #ffffff; --ink: #1c2024; --faint: #5b6470; --rule: #d9dee4; --panel: #f4f6f8;
  --stable: #2a6fb5; --candidate: #c2570c; --good: #1a7340; --bad: #b3261e; --mark: #5b6470;
  --first: #7b3fa0; --second: #00747a; --third: #7a5f00;"""
DARK = """
  --ground: #15181c; --ink: #e7eaee; --faint: #a3adb8; --rule: #343b44; --panel: #1e2329;
  --stable: #6fb1f2; --candidate: #f0924a; --good: #5cc98b; --bad: #ff8a80; --mark: #a3adb8;
  --first: #c792ea; --second: #5fd0d6; --third: #d9c25a;"""

# Every rule begins with .seatrial: a dashboard has words and drawings of its own.
_WORDS = """
.seatrial { background: var(--ground); color: var(--ink); font: 15px/1.5 system-ui, sans-serif;
  overflow-wrap: anywhere; padding: .75rem; text-align: left; }
.seatrial * { box-sizing: border-box; }
.seatrial h1 { font-size: 1.4rem; line-height: 1.2; margin: 0 0 .25rem; color: inherit; }
.seatrial h2 { font-size: 1rem; margin: 1.5rem 0 0; color: var(--faint); }
.seatrial h3 { font-size: 1.1rem; line-height: 1.3; margin: 0; color: inherit; }
.seatrial p { margin: .25rem 0; color: inherit; }
.seatrial a { color: inherit; }
.seatrial .faint { color: var(--faint); }
.seatrial .good { color: var(--good); } .seatrial .bad { color: var(--bad); }
.seatrial code { background: var(--panel); color: inherit; border-radius: 3px; padding: .05rem .25rem;
  font: .85em ui-monospace, monospace; }
.seatrial section { border-top: 1px solid var(--rule); margin-top: 1rem; padding-top: 1rem; }
.seatrial summary { cursor: pointer; font-size: .85rem; }
.seatrial table { border-collapse: collapse; width: 100%; font-size: .8rem; }
.seatrial th, .seatrial td { text-align: right; padding: .2rem .4rem .2rem 0; border-bottom: 1px solid var(--rule);
  font-variant-numeric: tabular-nums; }
.seatrial ol { padding: 0; margin: .5rem 0; list-style: none; font-size: .85rem; }
.seatrial ol li { display: grid; grid-template-columns: 1.7rem 3.5rem 1fr; padding: .15rem 0; }
.seatrial ul { padding: 0; margin: .25rem 0 .5rem; list-style: none; font-size: .85rem; }
.seatrial ul li { display: grid; grid-template-columns: 1.2rem 1fr; padding: .1rem 0; }
.seatrial h4 { font-size: .85rem; margin: .75rem 0 0; color: var(--faint); }
.seatrial ol b, .seatrial ol small { color: var(--faint); font-size: inherit; }
"""
_DRAWINGS = """\
.seatrial svg { display: block; max-width: 100%; height: auto; margin-top: 1rem; }
.seatrial svg text { font: 12px system-ui, sans-serif; fill: var(--ink);
  stroke: var(--ground); stroke-width: 4px; paint-order: stroke; }
.seatrial svg text.title { font-weight: 600; }
.seatrial svg text.faint { fill: var(--faint); } .seatrial svg text.limit { fill: var(--bad); }
.seatrial svg .grid { stroke: var(--rule); }
.seatrial svg .candidate-line { fill: none; stroke: var(--candidate); stroke-width: 2; }
.seatrial svg .candidate-area { fill: var(--candidate); opacity: .14; }
.seatrial svg .met { fill: var(--candidate); }
.seatrial svg rect.stable { fill: var(--stable); } .seatrial svg rect.candidate { fill: var(--candidate); }
.seatrial svg line.limit { stroke: var(--bad); stroke-width: 1.5; }
.seatrial svg .course { fill: none; stroke-width: 2; }
.seatrial svg .first { stroke: var(--first); } .seatrial svg circle.first { fill: var(--first); }
.seatrial svg .second { stroke: var(--second); stroke-dasharray: 7 3; }
.seatrial svg circle.second { fill: var(--second); stroke-dasharray: none; }
.seatrial svg .third { stroke: var(--third); stroke-dasharray: 2 3; }
.seatrial svg circle.third { fill: var(--third); stroke-dasharray: none; }
.seatrial svg line.mark { stroke: var(--mark); stroke-dasharray: 3 3; }
.seatrial svg .number circle { fill: var(--mark); }
.seatrial svg .number text { fill: var(--ground); stroke: none; font-weight: 600; }
.seatrial svg line.alarm, .seatrial svg line.rollback { stroke: var(--bad); }
.seatrial svg .number.alarm circle, .seatrial svg .number.rollback circle { fill: var(--bad); }
"""
STYLE = _WORDS + _DRAWINGS
