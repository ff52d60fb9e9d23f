"""Draws a result as an SVG: for each workload one bar a proxy, CPU per request relative to nginx."""

from xml.sax.saxutils import escape

COLOURS = {"penstock": "#1b6ca8", "nginx": "#6b8e23", "haproxy": "#b5651d", "h2o": "#7a4ea3",
           "nghttpx": "#888888"}
BAR = 18
LEFT = 90
WIDTH = 760


def bar(x, y, width, colour, label, text):
    return (f'<text x="{x - 6}" y="{y + 13}" text-anchor="end">{escape(label)}</text>'
            f'<rect x="{x}" y="{y}" width="{width:.1f}" height="{BAR - 4}" fill="{colour}"/>'
            f'<text x="{x + width + 6:.1f}" y="{y + 13}">{escape(text)}</text>')


def draw(results):
    parts, y = [], 30
    for found in results["workloads"].values():
        rows = found["rows"]
        highest = max(row["cpu_us"] for row in rows.values())
        parts.append(f'<text x="10" y="{y}" font-weight="bold">{escape(found["title"])}: '
                     f'CPU µs per request</text>')
        y += 10
        for name, row in rows.items():
            width = (WIDTH - LEFT - 160) * row["cpu_us"] / highest
            parts.append(bar(LEFT, y, width, COLOURS.get(name, "#333"), name, f'{row["cpu_us"]:.1f}'))
            y += BAR
        y += 30
    note = f'{results["machine"]["cpu"]}, Linux {results["machine"]["kernel"]}'
    parts.append(f'<text x="10" y="{y}" fill="#555">{escape(note)}</text>')
    return (f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{y + 20}" '
            f'font-family="sans-serif" font-size="12">' + "".join(parts) + "</svg>\n")
