#!/usr/bin/env python3
"""Draws a terminal's text as an SVG, for the README: text on standard input, SVG on standard output.

build/dev/bin/mailhubctl run watch | scripts/terminal-svg.py >docs/demo.svg     (the frame you want, from `script`)
"""

import html
import sys

LINE, CHARACTER, MARGIN = 17, 7.85, 14
COLOURS = (("  [x]", "#7ec699"), ("  [>]", "#f5c06f"), ("  [!]", "#f2777a"), ("  [ ]", "#7f8c99"))


def colour(line):
    return next((c for mark, c in COLOURS if line.startswith(mark)), "#d8dee9")


def main():
    lines = sys.stdin.read().rstrip("\n").split("\n")
    width = int(max(map(len, lines)) * CHARACTER) + 2 * MARGIN
    height = len(lines) * LINE + 2 * MARGIN
    print(f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}">')
    print(f'<rect width="{width}" height="{height}" rx="8" fill="#1d2430"/>')
    print('<g font-family="DejaVu Sans Mono, Menlo, Consolas, monospace" font-size="13" xml:space="preserve">')
    for row, line in enumerate(lines):
        y = MARGIN + LINE * (row + 1) - 5
        print(f'<text x="{MARGIN}" y="{y}" fill="{colour(line)}" xml:space="preserve">{html.escape(line)}</text>')
    print("</g></svg>")


if __name__ == "__main__":
    main()
