"""Sections: what stands on a card, said once, written as Markdown or as one page of HTML."""

import re
from base64 import b64encode
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

Row = Sequence[object]
_NUMBER = re.compile(r"-?[\d.]*\d(e[-+]\d+)?%?( \[.*\])?")
_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; color: #222; background: #fff;
       max-width: 62rem; margin: 2rem auto; padding: 0 1rem; }
h1 { margin: 0; font-size: 1.7rem; } h2 { margin: 2.2rem 0 .6rem; font-size: 1.15rem; }
p { margin: .4rem 0; max-width: 46rem; } ul { padding-left: 1.2rem; max-width: 46rem; }
.wide { overflow-x: auto; } table { border-collapse: collapse; font-size: .9rem; }
th, td { text-align: left; padding: .25rem .9rem .25rem 0; border-bottom: 1px solid #e4e4e4;
         vertical-align: top; overflow-wrap: anywhere; }
th { font-weight: 600; } .number { text-align: right; font-variant-numeric: tabular-nums;
white-space: nowrap; } td:first-child { white-space: nowrap; }
img { max-width: 100%; height: auto; margin: .6rem 1rem .2rem 0; }
code { background: #f3f3f3; padding: 0 .2rem; }
""".strip()
_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title>
<style>{style}</style></head>
<body>
{body}
</body></html>
"""


@dataclass(frozen=True, slots=True)
class Section:
    """A heading with sentences, a list, a table and pictures (file names), each of which may be
    missing; of a section without any of them nothing is written.
    """

    title: str
    text: str = ""
    points: Sequence[str] = ()
    heads: Sequence[str] = ()
    rows: Sequence[Row] = ()
    pictures: Sequence[str] = ()

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to say."""
        return not (self.text or self.points or self.rows or self.pictures)


def to_markdown(title: str, lead: str, sections: Iterable[Section], plots: str) -> str:
    """Return the sections as Markdown; pictures lie in the folder `plots` beside it."""
    blocks = [f"# {title}", lead]
    for section in sections:
        if section.is_empty:
            continue
        blocks += [f"## {section.title}"] if section.title else []
        blocks += [section.text] if section.text else []
        blocks += ["\n".join(f"- {point}" for point in section.points)] if section.points else []
        blocks += [_markdown_table(section.heads, section.rows)] if section.rows else []
        blocks += [f"![{Path(name).stem}]({plots}/{name})" for name in section.pictures]
    return "\n\n".join(blocks) + "\n"


def to_page(
    title: str, lead: str, sections: Iterable[Section], pictures: Mapping[str, bytes]
) -> str:
    """Return the sections as one page of HTML that needs no other file."""
    blocks = [f"<h1>{escape(title)}</h1>", f"<p>{escape(lead)}</p>"]
    for section in sections:
        if section.is_empty:
            continue
        blocks += [f"<h2>{escape(section.title)}</h2>"] if section.title else []
        blocks += [f"<p>{_inline(section.text)}</p>"] if section.text else []
        points = "".join(f"<li>{_inline(point)}</li>" for point in section.points)
        blocks += [f"<ul>{points}</ul>"] if points else []
        blocks += [_html_table(section.heads, section.rows)] if section.rows else []
        blocks += [_picture(name, pictures[name]) for name in section.pictures if name in pictures]
    return _PAGE.format(title=escape(title), style=_STYLE, body="\n".join(blocks))


def shown(cell: object) -> str:
    """Return a cell as text: numbers with four digits."""
    return f"{cell:.4g}" if isinstance(cell, float) else str(cell)


def _markdown_table(heads: Sequence[str], rows: Iterable[Row]) -> str:
    lines = [f"| {' | '.join(heads)} |", f"|{' --- |' * len(heads)}"]
    lines += [f"| {' | '.join(shown(cell).replace('|', '/') for cell in row)} |" for row in rows]
    return "\n".join(lines)


def _html_table(heads: Sequence[str], rows: Sequence[Row]) -> str:
    right = [all(_is_number(row[at]) for row in rows) for at in range(len(heads))]
    marks = [' class="number"' if number else "" for number in right]
    head = "".join(f"<th{m}>{escape(h)}</th>" for h, m in zip(heads, marks, strict=True))
    body = "\n".join(
        "<tr>"
        + "".join(f"<td{m}>{_inline(shown(c))}</td>" for c, m in zip(row, marks, strict=True))
        + "</tr>"
        for row in rows
    )
    top = f"<thead><tr>{head}</tr></thead>" if any(heads) else ""
    return f'<div class="wide"><table>{top}<tbody>\n{body}\n</tbody></table></div>'


def _is_number(cell: object) -> bool:
    return isinstance(cell, int | float) or bool(_NUMBER.fullmatch(str(cell)))


def _inline(text: str) -> str:
    """Escape a sentence; what stands between backquotes is code."""
    parts = escape(text).split("`")
    if len(parts) % 2 == 0:
        return "`".join(parts)
    return "".join(f"<code>{p}</code>" if n % 2 else p for n, p in enumerate(parts))


def _picture(name: str, image: bytes) -> str:
    source = b64encode(image).decode()
    return f'<img alt="{escape(Path(name).stem)}" src="data:image/png;base64,{source}">'
