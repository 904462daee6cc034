"""What the figures were measured on, read from the system."""

from __future__ import annotations

import os
import platform
import re
from pathlib import Path
from typing import Any

_FAST_BFLOAT16 = {"amx_bf16": "AMX bfloat16", "avx512_bf16": "AVX-512 bfloat16"}


def machine() -> dict[str, Any]:
    """``cpu`` (model), ``bfloat16`` (instructions, or None), ``cores``, ``memory`` (bytes, or None), ``system``."""
    told = _read("/proc/cpuinfo")
    model = re.search(r"^model name\s*:\s*(.+)$", told, re.M)
    flags = re.search(r"^flags\s*:\s*(.+)$", told, re.M)
    names = flags[1].split() if flags else []
    memory = re.search(r"^MemTotal:\s*(\d+) kB", _read("/proc/meminfo"), re.M)
    return {
        "cpu": model[1].strip() if model else platform.processor() or platform.machine(),
        "bfloat16": next((shown for flag, shown in _FAST_BFLOAT16.items() if flag in names), None),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1,
        "memory": int(memory[1]) * 1024 if memory else None,
        "system": f"{platform.system()} {platform.machine()}, Python {platform.python_version()}",
    }


def _read(path: str) -> str:
    file = Path(path)
    return file.read_text(encoding="utf-8", errors="replace") if file.exists() else ""
