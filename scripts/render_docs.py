"""Writes what the documentation says of the settings: ``.env.example`` and the table in ``README.md``.

Run by ``make docs``; a test fails when either has drifted from ``qa.settings.Settings``.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args, get_origin

from annotated_types import Ge, Gt, Le, Lt
from pydantic.fields import FieldInfo

from qa.service_settings import ServiceSettings
from qa.settings import PREFIX, Settings

ROOT = Path(__file__).resolve().parent.parent
BEGIN = "<!-- settings: written by `make docs` -->"
END = "<!-- end of settings -->"
_HEAD = """\
# Every setting of Dateline, with its default. Copy this file to .env in the directory you run `dateline` in, and
# uncomment the lines you change. Variables of the environment win over .env, command-line options over both.
"""
_BOUNDS = ((Ge, "ge", "from"), (Gt, "gt", "above"), (Le, "le", "to"), (Lt, "lt", "below"))


@dataclass(frozen=True)
class Row:
    """One setting: its variable, its default as ``.env`` has it ("" = unset), the values it takes, what it is for."""

    variable: str
    default: str
    takes: str
    description: str


def rows() -> Iterator[Row]:
    """Every setting, in the order of the class; those of the service come last, though it inherits them."""
    for name, field in sorted(Settings.model_fields.items(), key=lambda item: item[0] in ServiceSettings.model_fields):
        default = "" if field.default in (None, ()) else str(field.default)
        yield Row(PREFIX + name.upper(), default, _takes(field), field.description or "")


def _takes(field: FieldInfo) -> str:
    if get_origin(field.annotation) is Literal:
        return "one of " + ", ".join(get_args(field.annotation))
    return " ".join(
        f"{word} {getattr(bound, attribute)}"
        for bound in field.metadata
        for kind, attribute, word in _BOUNDS
        if isinstance(bound, kind)
    )


def _sentence(row: Row) -> str:
    return row.description.removesuffix(".") + (f"; {row.takes}." if row.takes else ".")


def env_example() -> str:
    """The text of ``.env.example``: for each setting one line that explains it and one, commented out, that sets it."""
    lines = [_HEAD]
    for row in rows():
        lines += [f"# {_sentence(row)}", f"# {row.variable}={row.default}", ""]
    return "\n".join(lines)


def settings_table() -> str:
    """The README's table of settings, in Markdown, between its two markers."""
    lines = [BEGIN, "| Variable | Default | What it is |", "| --- | --- | --- |"]
    for row in rows():
        default = f"`{row.default}`" if row.default else "unset"
        lines.append(f"| `{row.variable}` | {default} | {_sentence(row)} |")
    return "\n".join([*lines, END])


def with_table(readme: str) -> str:
    """``readme`` with its table of settings replaced. Raises ``ValueError`` when a marker is missing."""
    before, rest = readme.split(BEGIN, 1) if BEGIN in readme else _missing(BEGIN)
    _, after = rest.split(END, 1) if END in rest else _missing(END)
    return before + settings_table() + after


def _missing(marker: str) -> tuple[str, str]:
    raise ValueError(f"README.md has no line {marker!r}")


def main() -> None:
    """Write both files."""
    (ROOT / ".env.example").write_text(env_example(), encoding="utf-8")
    readme = ROOT / "README.md"
    readme.write_text(with_table(readme.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
