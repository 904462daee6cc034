"""Pure: what a page's schema.org data in JSON-LD says of its article."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from ingest.clean import canonical_url

_WRAPPER = re.compile(
    r"^\s*(?:<!--|//\s*<!\[CDATA\[|<!\[CDATA\[|/\*\s*<!\[CDATA\[\s*\*/)|(?:-->|//\s*\]\]>|\]\]>|/\*\s*\]\]>\s*\*/|;)\s*$"
)
_PUBLISHED = re.compile(r'"datePublished"\s*:\s*"([^"]{4,60})"')
_OTHERS = frozenset(
    "itemListElement relatedLink isPartOf mentions citation review comment associatedMedia video image publisher about"
    " breadcrumb potentialAction liveBlogUpdate subjectOf isBasedOn".split()
)
"""Properties whose values are other things than the page's article."""
_DEEPEST = 12


def published_values(tree: Any, url: str | None) -> list[str]:
    """``datePublished`` as written, the most telling first: of the page's article, else of the page.

    Of several articles with different dates only the one whose address is ``url`` counts; none, when there is none.
    """
    articles: list[dict[str, Any]] = []
    pages: list[dict[str, Any]] = []
    broken: list[str] = []
    for script in tree.iter("script"):
        if "ld+json" not in (script.get("type") or "").lower():
            continue
        text = _WRAPPER.sub("", _WRAPPER.sub("", script.text_content()))
        try:
            value = json.loads(text, strict=False)
        except (ValueError, RecursionError):
            # What breaks it is most often a quote in a description: the date can still be read.
            broken += _PUBLISHED.findall(text) if re.search(r"Article|Posting", text) else []
            continue
        for node in _nodes(value, 0):
            kinds = _kinds(node)
            if any(kind.endswith(("Article", "Posting")) or kind == "Report" for kind in kinds):
                articles.append(node)
            elif any(kind.endswith("Page") for kind in kinds):
                pages.append(node)
    return _certain(articles, url) or _certain(pages, url) or (broken[:1] if len(set(broken)) == 1 else [])


def _nodes(value: Any, depth: int) -> Iterator[dict[str, Any]]:
    if depth > _DEEPEST:
        return
    if isinstance(value, list):
        for one in value:
            yield from _nodes(one, depth + 1)
    elif isinstance(value, dict):
        yield value
        for name, inner in value.items():
            if name not in _OTHERS and isinstance(inner, dict | list):
                yield from _nodes(inner, depth + 1)


def _kinds(node: dict[str, Any]) -> list[str]:
    kind = node.get("@type")
    return [one for one in (kind if isinstance(kind, list) else [kind]) if isinstance(one, str)]


def _certain(nodes: list[dict[str, Any]], url: str | None) -> list[str]:
    dated = [(node, text) for node in nodes if isinstance(text := node.get("datePublished"), str) and text.strip()]
    if len({text.strip()[:10] for _, text in dated}) <= 1:
        return [text for _, text in dated[:1]]
    return [text for node, text in dated if url and _same(url, node)][:1]


def _same(url: str, node: dict[str, Any]) -> bool:
    main = node.get("mainEntityOfPage")
    names = [node.get("url"), node.get("@id"), main.get("@id") if isinstance(main, dict) else main]
    for name in names:
        try:
            if isinstance(name, str) and canonical_url(name.partition("#")[0]) == canonical_url(url):
                return True
        except ValueError:
            continue
    return False
