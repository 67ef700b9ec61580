#!/usr/bin/env python3
# tests/bench/eviction/plot.py -- draws the CSV of bench_eviction -c as an SVG: a panel a trace.
#
#     bench_eviction -c FILE.gz ... | tests/bench/eviction/plot.py > docs/eviction.svg
#
# Hit ratio in per cent of requests over the capacity in per cent of the distinct objects or bytes.
import csv
import math
import sys

COLOURS = {"LRU": "#9aa0a6", "S3-FIFO": "#4f8fd6", "W-TinyLFU": "#3a9d5d", "ARC": "#c98a1b",
           "larder": "#c2185b", "MIN": "#444444"}
COLUMNS, WIDTH, HEIGHT, LEFT, TOP, GAP = 3, 250, 165, 44, 58, 52


def panels(rows):
    traces = {}
    for row in rows:
        if row["unit"] == "objects":
            traces.setdefault(row["trace"], []).append(row)
    return traces


def draw(name, rows, x0, y0):
    sizes = [float(row["percent"]) for row in rows]
    low, high = math.log(min(sizes)), math.log(max(sizes))
    top = 10 * math.ceil(max(float(row["MIN"]) for row in rows) / 10)

    def x(size):
        return x0 + WIDTH * (math.log(size) - low) / ((high - low) or 1)

    def y(ratio):
        return y0 + HEIGHT * (1 - ratio / top)

    yield f'<text x="{x0}" y="{y0 - 8}" font-weight="bold">{name}</text>'
    for step in range(0, 5):
        ratio = top * step / 4
        yield (f'<path d="M{x0} {y(ratio):.1f}h{WIDTH}" stroke="#e3e3e3"/>'
               f'<text x="{x0 - 6}" y="{y(ratio) + 3:.1f}" text-anchor="end">{ratio:g}</text>')
    for size in sizes:
        yield f'<text x="{x(size):.1f}" y="{y0 + HEIGHT + 14}" text-anchor="middle">{size:g}</text>'
    for policy, colour in COLOURS.items():
        points = " ".join(f"{x(float(r['percent'])):.1f},{y(float(r[policy])):.1f}" for r in rows)
        width = 2.4 if policy == "larder" else 1.2
        dash = ' stroke-dasharray="3 3"' if policy == "MIN" else ""
        yield (f'<polyline points="{points}" fill="none" stroke="{colour}" '
               f'stroke-width="{width}"{dash}/>')


def main():
    traces = panels(csv.DictReader(sys.stdin))
    lines = math.ceil(len(traces) / COLUMNS)
    width = COLUMNS * (WIDTH + GAP) + LEFT
    height = lines * (HEIGHT + GAP) + TOP
    print(f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
          'font-family="sans-serif" font-size="10">')
    print(f'<rect width="{width}" height="{height}" fill="#ffffff"/>')
    for i, (policy, colour) in enumerate(COLOURS.items()):
        print(f'<path d="M{LEFT + i * 90} 16h18" stroke="{colour}" stroke-width="3"/>'
              f'<text x="{LEFT + 23 + i * 90}" y="20">{policy}</text>')
    for i, (name, rows) in enumerate(traces.items()):
        x0 = LEFT + i % COLUMNS * (WIDTH + GAP)
        y0 = TOP + i // COLUMNS * (HEIGHT + GAP)
        print("\n".join(draw(name, rows, x0, y0)))
    print("</svg>")


main()
