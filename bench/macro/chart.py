"""Draws a result as an SVG: CPU per request as bars, and the latency at constant rates as lines."""

import math
from xml.sax.saxutils import escape

COLOURS = {"penstock": "#1b6ca8", "nginx": "#6b8e23", "haproxy": "#b5651d", "h2o": "#7a4ea3",
           "nghttpx": "#888888"}
BAR = 18
LEFT = 90
WIDTH = 760
PLOT_HEIGHT = 260
SHARES = ("p50", "p99")


def colour_of(name):
    return COLOURS.get(name, "#333")


def text(x, y, words, more=""):
    return f'<text x="{x:.1f}" y="{y:.1f}" {more}>{escape(words)}</text>'


def bar(x, y, width, colour, label, words):
    return (text(x - 6, y + 13, label, 'text-anchor="end"') +
            f'<rect x="{x}" y="{y}" width="{width:.1f}" height="{BAR - 4}" fill="{colour}"/>' +
            text(x + width + 6, y + 13, words))


def draw_bars(found, y):
    rows = found["rows"]
    highest = max(row["cpu_us"] for row in rows.values())
    parts = [text(10, y, f'{found["title"]}: CPU µs per request', 'font-weight="bold"')]
    y += 10
    for name, row in rows.items():
        width = (WIDTH - LEFT - 160) * row["cpu_us"] / highest
        parts.append(bar(LEFT, y, width, colour_of(name), name, f'{row["cpu_us"]:.1f}'))
        y += BAR
    return parts, y + 30


class Axes:
    """Levels from left to right, microseconds on a logarithmic scale."""

    def __init__(self, levels, lowest, highest, top):
        self.levels = levels
        self.low = math.floor(math.log10(max(lowest, 1)))
        self.high = math.ceil(math.log10(max(highest, 10)))
        self.top = top

    def x(self, level):
        place = self.levels.index(level) / max(len(self.levels) - 1, 1)
        return LEFT + place * (WIDTH - LEFT - 160)

    def y(self, value):
        share = (math.log10(max(value, 1)) - self.low) / (self.high - self.low)
        return self.top + PLOT_HEIGHT * (1 - share)

    def draw(self):
        parts = []
        for power in range(self.low, self.high + 1):
            y = self.y(10 ** power)
            parts.append(f'<line x1="{LEFT}" y1="{y:.1f}" x2="{WIDTH - 160}" y2="{y:.1f}" '
                         f'stroke="#ddd"/>')
            parts.append(text(LEFT - 6, y + 4, f"{10 ** power} µs", 'text-anchor="end"'))
        for level in self.levels:
            parts.append(text(self.x(level), self.top + PLOT_HEIGHT + 18, f"{level} %",
                              'text-anchor="middle"'))
        return parts


def draw_rates(results, y):
    of = results["levels"]
    levels = list(of)
    values = [row[share] for rows in of.values() for row in rows.values() for share in SHARES]
    axes = Axes(levels, min(values), max(values), y + 20)
    parts = [text(10, y, f'Latency at constant rates, p99 (lines) and p50 (dotted); percent of '
                         f'{results["capacity"]:.0f} requests a second', 'font-weight="bold"')]
    parts += axes.draw()
    for place, name in enumerate(of[levels[0]]):
        for share in SHARES:
            points = " ".join(f"{axes.x(level):.1f},{axes.y(of[level][name][share]):.1f}"
                              for level in levels)
            dotted = 'stroke-dasharray="2 4"' if share == "p50" else ""
            parts.append(f'<polyline points="{points}" fill="none" stroke="{colour_of(name)}" '
                         f'stroke-width="2" {dotted}/>')
        at = y + 40 + place * BAR
        parts.append(f'<rect x="{WIDTH - 140}" y="{at - 10}" width="12" height="12" '
                     f'fill="{colour_of(name)}"/>')
        parts.append(text(WIDTH - 122, at, name))
    return parts, y + PLOT_HEIGHT + 70


def draw(results):
    parts, y = [], 30
    for found in results["workloads"].values():
        more, y = draw_bars(found, y)
        parts += more
    if "rates" in results:
        more, y = draw_rates(results["rates"], y)
        parts += more
    note = f'{results["machine"]["cpu"]}, Linux {results["machine"]["kernel"]}'
    parts.append(text(10, y, note, 'fill="#555"'))
    return (f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{y + 20}" '
            f'font-family="sans-serif" font-size="12">' + "".join(parts) + "</svg>\n")
