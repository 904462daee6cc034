"""An evaluation as one HTML page that needs nothing else: figures, plots, and every question with what came of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from api.files.evaluation_plots import plots
from api.files.evaluation_view import groups, latencies, line_text, name_of, remarks, slice_names
from ingest.clean import canonical_url
from qa.errors import InputError
from qa.evaluation.items import Asked, Item
from qa.evaluation.rows import Figures, relevant_passages
from qa.evaluation.summary import column, sliced
from qa.text import visible

if TYPE_CHECKING:
    from jinja2 import Template

_TOLD = ("exact_match", "f1", "holds_answer", "choice_accuracy", "citation_precision", "citation_recall")


class Evaluated(Protocol):
    """What there is to show; the parts are in the order of the set."""

    @property
    def dataset(self) -> str:
        """Its name."""

    @property
    def depth(self) -> int:
        """Passages searched."""

    @property
    def model(self) -> str:
        """Who answered."""

    @property
    def as_of(self) -> date:
        """The day of questions that name none."""

    @property
    def retrieval_only(self) -> bool:
        """Whether no answers were asked for."""

    @property
    def items(self) -> tuple[Item, ...]:
        """The questions."""

    @property
    def asked(self) -> tuple[Asked, ...]:
        """What came of them."""

    @property
    def rows(self) -> tuple[Figures, ...]:
        """Their figures."""

    @property
    def left(self) -> int:
        """How many were not asked."""


@dataclass(frozen=True, slots=True)
class Shown:
    """One question on the page. ``relevant`` says which passages are answer passages."""

    number: int
    item: Item
    asked: Asked
    row: Figures
    relevant: tuple[bool, ...]

    @property
    def outcome(self) -> str:
        """``failed``, ``abstained``, ``right``, ``wrong`` or, where nobody answered, ``found`` or ``missed``."""
        if self.asked.error:
            return "failed"
        if self.asked.answer is None:
            return "found" if any(self.relevant) else "missed"
        if self.asked.answer.abstained:
            return "abstained, rightly" if self.item.unanswerable else "abstained"
        return "right" if self.row["holds_answer"] else "wrong"

    def figures(self) -> Iterator[tuple[str, str]]:
        """Name and value of what was measured of it."""
        for name, value in self.row.items():
            if value is not None and (name in _TOLD or name.startswith(("mrr@", "articles.mrr@"))):
                yield ("articles " if "." in name else "") + name_of(name, alone=True), f"{value:.2f}"


def write_page(result: Evaluated, path: Path) -> None:
    """Write the page, taking the place of what was there. Raises ``InputError`` when it cannot be written."""
    page = page_of(result)
    part = path.with_name(f".{path.name}.part")
    try:
        # A lone half of a character, which a broken article can hold, has no UTF-8.
        part.write_bytes(page.encode("utf-8", "replace"))
        part.replace(path)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise InputError(f"cannot be written: {error.strerror}", where=str(path)) from error


def page_of(result: Evaluated) -> str:
    """The page. All words of articles, questions, answers and models are escaped by the template."""
    names = slice_names(result.rows, result.depth)
    return _template().render(
        result=result,
        tables=list(groups(result.rows, retrieval_only=result.retrieval_only)),
        slices=[
            (by, [(name, len(some), _means(some, names)) for name, some in which.items()])
            for by, which in sliced(result.items, result.rows).items()
        ],
        slice_names=[name_of(name, alone=True) for name in names],
        latencies=latencies(result.rows),
        remarks=list(remarks(result.rows, retrieval_only=result.retrieval_only)),
        plots=plots(result),
        questions=list(_shown(result)),
    )


def _shown(result: Evaluated) -> Iterator[Shown]:
    for number, (item, asked, row) in enumerate(zip(result.items, result.asked, result.rows, strict=True), start=1):
        relevant = tuple(relevant_passages(item, asked.passages, canonical_url)) if item.answers else ()
        yield Shown(number, item, asked, row, relevant or (False,) * len(asked.passages))


def _means(rows: Sequence[Figures], names: Sequence[str]) -> list[str]:
    values = [column(rows, name) for name in names]
    return [f"{sum(some) / len(some):.3f}" if some else "-" for some in values]


@lru_cache(maxsize=1)
def _template() -> Template:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    # Everything is escaped but the plots (`safe` in the template), which escape what they are told.
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent), autoescape=True, undefined=StrictUndefined, trim_blocks=True
    )
    environment.filters.update(clean=visible, name=name_of, line=line_text)
    return environment.get_template("evaluation.html.jinja")
