"""Pure: the forms in which models write citation markers, brought into one: "[1]" and "[1, 2]"."""

from __future__ import annotations

import re

_WORD = r"(?:passages?|sources?|articles?|documents?|docs?|refs?|n|no\.)"
_NUMBER = rf"(?:{_WORD}\s{{0,2}}[=:#]?\s{{0,2}})?[\"']?\^?\d{{1,3}}[\"']?"
_NUMBERS = rf"{_NUMBER}(?:\s{{0,3}}(?:[,;&\u2013-]|and)\s{{0,3}}{_NUMBER}){{0,30}}"
_LINKED = r"(?:\((?=[^()\s]{0,299}[:/#])[^()\s]{1,300}\))?"
_RAISED = r"\u00b2\u00b3\u00b9\u2074-\u2079"
_LETTER = rf"[^\W\d_\u2070{_RAISED}]"
_FORMS = rf"""
    \[\[\s{{0,3}}(?:{_NUMBERS})\s{{0,3}}\]\]{_LINKED}
  | [\[\u3010]\^?\s{{0,3}}(?:{_NUMBERS})\s{{0,3}}(?:\u2020[^\]\u3011\n]{{0,40}})?[\]\u3011]{_LINKED}
  | \((?:passages?|sources?|documents?|docs?)\s{{0,2}}[=:#]?\s{{0,2}}(?:{_NUMBERS})\)
  | (?:(?<=\bto\s)|(?<=\bin\s)|(?<=\bby\s)|(?<=\bfrom\s))(?:the\s)?passages?\s{{1,2}}\d{{1,3}}
    (?:\s(?:and|&)\s\d{{1,3}})?(?![\w%]|[.,-]\d)
  | <sup>\s{{0,3}}\[?(?:{_NUMBERS})\]?\s{{0,3}}</sup>
  | (?:(?<={_LETTER}[.!?,;:\u201d\u2019"')])|(?<={_LETTER}{{3}}))[{_RAISED}][\u2070{_RAISED}]*
    """
_MARKER = re.compile(_FORMS, re.VERBOSE | re.IGNORECASE)
_ROUND_TOO = re.compile(rf"{_FORMS} | \((?:{_NUMBERS})\)", re.VERBOSE | re.IGNORECASE)
_PART = re.compile(rf"\d+(?:[\"'\s]{{0,4}}[\u2013-]\s{{0,3}}{_NUMBER})?", re.IGNORECASE)
_DIGITS = re.compile(r"\d+")
_SUPERSCRIPT = {
    letter: str(value) for value, letter in enumerate("\u2070\u00b9\u00b2\u00b3\u2074\u2075\u2076\u2077\u2078\u2079")
}
_WIDEST_RANGE = 20

UNFINISHED = re.compile(r"(?:[\[\u3010][^\[\]\u3010\u3011\n]*|\][(][^()\s]{0,300}|[(][^()\n]{0,60}|<[^<>\n]{0,20})$")
"""The end of a text that may become a marker of the sentence before it."""

LONGEST = 400
"""How far back the beginning of an unfinished marker may lie."""

_DEFINITION = re.compile(r"[ \t]{0,3}\[\^?\d{1,3}\]:")
_MAY_BE_DEFINITION = re.compile(r"[ \t]{0,3}(?:\[\^?\d{0,3}\]?)?")


def canonical(text: str, *, round_too: bool = False) -> str:
    """``text`` with every marker as "[1]" or "[1, 2]".

    ``round_too`` says that "(1)" is a marker; it is one only where the model was asked for such. A superscript is one
    when it follows a word of three letters or final punctuation ("km²" is none), each digit for itself. "According to
    passage 1" holds one; "Passage 1 says" does not, for it would be taken for one of the sentence before.
    """
    return (_ROUND_TOO if round_too else _MARKER).sub(lambda match: f"[{', '.join(map(str, numbers(match[0])))}]", text)


def numbers(marker: str) -> tuple[int, ...]:
    """The passages a marker names, in order, each once; "[1-3]" names three."""
    if marker[0] in _SUPERSCRIPT:
        digits = re.findall(r".\u2070?", marker)
        return tuple(dict.fromkeys(int("".join(_SUPERSCRIPT[one] for one in digit)) for digit in digits))
    found: list[int] = []
    for part in _PART.findall(re.sub(r"\([^()\s]*[:/#][^()\s]*\)$|\u2020[^\]\u3011]*", "", marker)):
        first, *rest = (int(digits) for digits in _DIGITS.findall(part))
        wide = bool(rest) and first < rest[-1] <= first + _WIDEST_RANGE
        found += range(first, rest[-1] + 1) if wide else [first, *rest]
    return tuple(dict.fromkeys(found))


class Definitions:
    """Leaves out the lines that define footnotes, "[^1]: Reuters, 5 May", from a text that streams in."""

    def __init__(self) -> None:
        self._waiting = ""
        self._opens = True
        self._skips = False

    def feed(self, piece: str) -> str:
        """What of the text is no definition, as far as that is known."""
        rest = self._waiting + piece
        self._waiting = ""
        kept: list[str] = []
        while rest:
            if self._opens:
                found = _DEFINITION.match(rest)
                if found is None and _MAY_BE_DEFINITION.fullmatch(rest):
                    self._waiting = rest
                    break
                self._skips, self._opens = found is not None, False
            line, newline, rest = rest.partition("\n")
            if not self._skips:
                kept.append(line)
            if newline:
                kept.append(newline)
                self._opens, self._skips = True, False
        return "".join(kept)

    def end(self) -> str:
        """What was still waiting to be told from a definition."""
        return self._waiting
