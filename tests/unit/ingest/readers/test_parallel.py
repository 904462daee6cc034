"""Files read by several processes: the same items in the same order, whatever happens to the processes."""

from __future__ import annotations

import multiprocessing
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import date
from functools import partial
from pathlib import Path

import pytest

from ingest.readers import Item, ReadArticle, ReadFailure, read
from ingest.readers.parallel import Workers
from tests.conftest import ROOT
from tests.unit.ingest.readers.making import page_of, pdf_of

TODAY = date(2025, 7, 1)
GOLDEN = ROOT / "tests" / "data" / "readers"


def double(number: int) -> int:
    """13 kills the process that is to double it."""
    if number == 13:
        os.kill(os.getpid(), signal.SIGKILL)
    return 2 * number


def unlucky(number: int) -> int:
    return -number


def fail(number: int) -> int:
    raise ValueError(f"not {number}")


def folder(path: Path) -> Path:
    """Pages, PDFs, texts, a date to be settled by another file, records, an archive, and what cannot be read."""
    path.mkdir()
    for golden in sorted(GOLDEN.iterdir()):
        if not golden.name.endswith(".json.json"):
            shutil.copy(golden, path)
    for number in range(12):
        (path / f"page-{number}.html").write_text(page_of(f'<meta name="date" content="2025-01-{number + 1:02}">'))
    (path / "a.txt").write_text("date: 03/04/2025\nsource: Isles Wire\n\nThe port reopened.")
    (path / "z.txt").write_text("date: 25/04/2025\nsource: Isles Wire\n\nThe port closed.")
    (path / "broken.pdf").write_bytes(b"%PDF-1.4 no more")
    (path / "fine.pdf").write_bytes(pdf_of(["Published 2025-04-01", "The crews pumped water out of the mine."]))
    (path / "link.txt").symlink_to(path / "gone.txt")
    return path


def test_the_items_and_their_order_are_the_same(tmp_path: Path) -> None:
    paths = [folder(tmp_path / "news"), tmp_path / "none.txt", GOLDEN / "wire.jsonl", GOLDEN / "release.pdf"]
    alone = list(read(paths, today=TODAY))
    assert list(read(paths, today=TODAY, jobs=2)) == alone
    assert len([item for item in alone if isinstance(item, ReadFailure)]) >= 4
    first = next(item.article for item in alone if isinstance(item, ReadArticle) and item.where.endswith("a.txt"))
    assert first.published == date(2025, 4, 3)


def test_no_process_is_left_when_the_reader_is_left_early(tmp_path: Path) -> None:
    items = read([folder(tmp_path / "news")], today=TODAY, jobs=2)
    next(items)
    assert len(multiprocessing.active_children()) in (1, 2)
    items.close()
    assert multiprocessing.active_children() == []


def test_nothing_is_started_where_nothing_is_read_apart() -> None:
    items: Iterator[Item] = read([GOLDEN / "wire.jsonl"], today=TODAY, jobs=4)
    assert len(list(items)) == 5
    assert multiprocessing.active_children() == []


def test_what_is_callable_is_called_here_in_its_turn() -> None:
    here: list[int] = []

    def note() -> int:
        here.append(os.getpid())
        return -1

    with Workers(2, double, unlucky) as workers:
        assert list(workers.map([1, note, 2, 3, note])) == [2, -1, 4, 6, -1]
    assert here == [os.getpid()] * 2


def test_only_a_few_tasks_are_taken_ahead() -> None:
    taken: list[int] = []

    def tasks() -> Iterator[int]:
        for number in range(1000):
            taken.append(number)
            yield number

    with Workers(1, double, unlucky) as workers:
        results = workers.map(tasks())
        assert [next(results) for _ in range(3)] == [0, 2, 4]
        assert len(taken) < 10


@pytest.mark.parametrize("tasks", [[13], [1, 13, 2], [*range(12), 13, *range(20, 32), 13]], ids=len)
def test_a_task_that_kills_its_process_costs_only_itself(tasks: list[int]) -> None:
    with Workers(2, double, unlucky) as workers:
        assert list(workers.map(tasks)) == [-13 if task == 13 else 2 * task for task in tasks]


def test_a_file_that_kills_its_process_is_a_failure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # No file here is known to do that to a parser, so the work is replaced by some that does.
    monkeypatch.setattr("ingest.readers._read_apart", _die_of_b)
    for name in "abc":
        (tmp_path / f"{name}.txt").write_text(f"Text {name}.")
    first, second, third = read([tmp_path], today=TODAY, jobs=2)
    assert isinstance(first, ReadArticle)
    assert second == ReadFailure(str(tmp_path / "b.txt"), "cannot be read: the process that read it died")
    assert isinstance(third, ReadArticle)


def _die_of_b(file: object) -> list[Item]:
    from ingest.readers import _File, _read_file

    assert isinstance(file, _File)
    if file.path.name == "b.txt":
        os._exit(1)
    return list(_read_file(file))


def test_an_error_of_the_work_is_raised_and_leaves_no_process() -> None:
    with pytest.raises(ValueError, match="not 1"), Workers(1, fail, unlucky) as workers:
        list(workers.map([1, 2]))
    assert multiprocessing.active_children() == []


PROGRAM = """
import multiprocessing, sys, time
from ingest.readers.parallel import Workers

if __name__ == "__main__":
    with Workers(2, time.sleep, print) as workers:
        results = workers.map([0, 0, 600, 600])
        workers._submit(0).result()
        print(*(child.pid for child in multiprocessing.active_children()), flush=True)
        list(results)
"""


@pytest.mark.parametrize("with_signal", [signal.SIGKILL, signal.SIGTERM], ids=["kill", "term"])
def test_processes_end_with_the_one_that_started_them(tmp_path: Path, with_signal: signal.Signals) -> None:
    (tmp_path / "main.py").write_text(PROGRAM)
    started = partial(subprocess.Popen, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    with started([sys.executable, tmp_path / "main.py"], env=os.environ | {"PYTHONPATH": str(ROOT)}) as process:
        assert process.stdout is not None
        children = [int(pid) for pid in process.stdout.readline().split()]
        assert children
        process.send_signal(with_signal)
    end = time.monotonic() + 30
    while any(map(_alive, children)):
        assert time.monotonic() < end, "processes are left"
        time.sleep(0.05)


def _alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"
