from __future__ import annotations

import os
import platform
from pathlib import Path

import pytest

from qa.library.memory import give_back


def resident() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="what glibc keeps")
def test_memory_that_was_freed_between_what_is_kept_comes_back() -> None:
    blocks = [bytearray(4_000) for _ in range(20_000)]
    kept = blocks[::50]
    del blocks
    before = resident()
    give_back()
    assert before - resident() > 40_000_000
    assert len(kept) == 400
