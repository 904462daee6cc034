"""Files made for tests: the smallest PDF, and a page that looks like one."""

from __future__ import annotations

from collections.abc import Sequence

SENTENCES = "".join(
    f"<p>On the {day} day the crews pumped water out of the old mine, and on the {day} night it came back again.</p>"
    for day in ("first", "second", "third", "fourth", "fifth")
)


def pdf_of(lines: Sequence[str]) -> bytes:
    """A PDF of one page with these lines of text; brackets and backslashes in them are not cared for."""
    shown = "".join(f"({line}) Tj T* " for line in lines)
    content = f"BT /F1 12 Tf 14 TL 72 720 Td {shown}ET"
    objects = [
        "<< /Type /Catalog /Pages 2 0 R >>",
        "<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents 4 0 R"
        " /Resources << /Font << /F1 << /Type /Font /Subtype /Type1 /BaseFont /Helvetica >> >> >> >>",
        f"<< /Length {len(content)} >>\nstream\n{content}\nendstream",
    ]
    parts, offsets = ["%PDF-1.4\n"], []
    for number, body in enumerate(objects, 1):
        offsets.append(sum(map(len, parts)))
        parts.append(f"{number} 0 obj\n{body}\nendobj\n")
    start = sum(map(len, parts))
    table = "".join(f"{offset:010} 00000 n \n" for offset in offsets)
    parts.append(
        f"xref\n0 5\n0000000000 65535 f \n{table}trailer\n<< /Size 5 /Root 1 0 R >>\nstartxref\n{start}\n%%EOF\n"
    )
    return "".join(parts).encode("latin-1")


def page_of(head: str = "", above: str = "", beside: str = "", body: str = SENTENCES) -> str:
    """A web page with one article, more in its head, above it and beside its headline."""
    return (
        f"<!DOCTYPE html><html><head><title>Mine floods</title>{head}</head><body>{above}"
        f"<article><h1>Mine floods</h1>{beside}{body}</article></body></html>"
    )
