"""Lines in an SVG picture, readable on light and on dark pages."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape

Point = tuple[float, float]

WIDTH, HEIGHT = 720, 400
LEFT, RIGHT, TOP, BOTTOM = 70, 210, 60, 50
LINE_HEIGHT = 17
STYLE = """\
text { font: 13px system-ui, sans-serif; fill: #767676 }
.title { font-size: 15px; font-weight: 600 }
.grid { stroke: #8885; stroke-width: 1 }
.line { fill: none; stroke-width: 2.5; stroke-linejoin: round }"""
COLOURS = ("#3584e4", "#e66100", "#26a269", "#9141ac", "#a37b00", "#1a9ba1", "#e01b6a", "#77767b")
"""Each keeps its contrast to white and to a dark page, as the grey of the texts does."""


@dataclass(frozen=True, slots=True)
class Plot:
    """A title, what the axes mean, and a line of points for each name; both axes begin at 0."""

    title: str
    x_name: str
    y_name: str
    lines: Mapping[str, Sequence[Point]]

    def to_svg(self) -> str:
        """Draw it."""
        head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}">'
        return "\n".join([head, f"<style>{STYLE}</style>", *self._parts(), "</svg>\n"])

    def _parts(self) -> Iterator[str]:
        yield _text(LEFT, 22, self.title, kind="title")
        yield from self._grid()
        yield _text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 10, self.x_name, anchor="middle")
        yield _text(LEFT - 8, TOP - 14, self.y_name, anchor="end")
        lowest = 0.0
        for (name, points), colour in zip(self._from_above(), COLOURS, strict=False):
            yield self._line(points, colour)
            lowest = max(self._place(points[-1])[1] + 4, lowest + LINE_HEIGHT)
            yield _text(WIDTH - RIGHT + 10, lowest, name, colour=colour)

    def _grid(self) -> Iterator[str]:
        for value in _ticks(self._most(1)):
            y = self._place((0, value))[1]
            yield f'<path class="grid" d="M{LEFT} {y:.1f}H{WIDTH - RIGHT}"/>'
            yield _text(LEFT - 8, y + 4, f"{value:g}", anchor="end")
        for value in sorted({x for points in self.lines.values() for x, _ in points}):
            x = self._place((value, 0))[0]
            yield _text(x, HEIGHT - BOTTOM + 18, f"{value:,g}", anchor="middle")

    def _line(self, points: Sequence[Point], colour: str) -> str:
        steps = "L".join("{:.1f} {:.1f}".format(*self._place(point)) for point in points)
        return f'<path class="line" stroke="{colour}" d="M{steps}"/>'

    def _from_above(self) -> list[tuple[str, Sequence[Point]]]:
        """Give the lines by their ends, so that names beside them can keep their distance."""
        return sorted(self.lines.items(), key=lambda line: -line[1][-1][1])

    def _place(self, point: Point) -> Point:
        x, y = point[0] / self._most(0), point[1] / _ticks(self._most(1))[-1]
        wide, high = WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM
        return LEFT + x * wide, HEIGHT - BOTTOM - y * high

    def _most(self, axis: int) -> float:
        return max(point[axis] for points in self.lines.values() for point in points)


def _ticks(most: float) -> list[float]:
    """Give four to ten round numbers from 0 to above `most`."""
    step = 10 ** math.floor(math.log10(most / 2))
    step *= next(factor for factor in (1, 2, 5, 10) if most / (step * factor) <= 6)
    return [step * number for number in range(math.ceil(most / step) + 1)]


def _text(
    x: float, y: float, text: str, *, anchor: str = "start", kind: str = "", colour: str = ""
) -> str:
    style = f' style="fill: {colour}"' if colour else ""
    name = f' class="{kind}"' if kind else ""
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"{name}{style}>{escape(text)}</text>'
    )
