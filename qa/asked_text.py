"""A question as the readers of dates look at it: folded, with names that only sound like a time blanked out."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property

from qa.calendar import fold_letters
from qa.tense import tense_of

_BEFORE = 48
_AFTER = 40

_NAMES = re.compile(
    r"""(?<!\w)(?:
      (?:usa|russia|india)\ today | today\ (?:show|programme|program) | the\ today
    | may\ day | (?:cinco|primero|plaza)\ de\ mayo | march\ (?:madness|for\ (?:life|our\ lives)) | april\ fools?'?
    | (?:black|red)\ (?:september|october) | (?:arab|prague)\ spring | born\ on\ the\ (?:fourth|4th)\ of\ july
    | (?:october|july|november|february)\ (?:revolution|uprising|plot)
    | jan(?:uary|\.)?\ 6(?:th)?\ (?:committee|attack|riot|rioters|insurrection|hearing|panel|defendant|probe|case)s?
    | (?:sept(?:ember|\.)?\ 11|11\ sept(?:ember|\.)?)(?:th)?\ (?:terror(?:ist)?\ )?(?:attacks?|memorial|museum|families)
    | (?:oct(?:ober|\.)?\ 7|7\ oct(?:ober|\.)?)(?:th)?\ (?:attacks?|massacre)
    | (?:black|good|bloody|super|ash|holy|maundy|cyber|giving|palm|easter|whit|shrove|fat|freaky|ruby|sheffield|girl
      |casual|blue)\ (?:mon|tues|wednes|thurs|fri|satur|sun)day(?:\ agreement)?
    | (?:mon|tues|wednes|thurs|fri|satur|sun)day\ (?:night\ (?:live|lights|football|fever)|murder\ club|times|telegraph
      |mail|mirror|express|post|herald|star)
    | (?:avenida|calle|rua|plaza|praca|estadio|movimiento|movimento)\ (?:de\ |del\ |do\ )?\d{1,2}\ de\ [a-z]{4,10}
    )(?!\w)""",
    re.VERBOSE,
)
_MAY_THE_PERSON = re.compile(r"(?<!\w)(?:theresa|mrs\.?|ms\.?|minister|brian|elaine) may(?!\w)")
_SPORT = re.compile(
    r"(?<!\w)(?:scor(?:e[ds]?|ing)|touchdowns?|nba|nfl|half-?time|play-?offs?|super bowl|quarterbacks?|games?"
    r"|match(?:es)?|finals?)(?!\w)"
)
_STATE = re.compile(r"(?<!\w)(?:is|are|do|does)(?!\w)")
_EVENT = re.compile(r"ing(?!\w)|(?<!\w)(?:news?|weather|happens?|due|did|was|were|agenda|headlines?)(?!\w)")
_MODAL = re.compile(
    r"(?<!\w)(?:who|which|what|when|where|how|why)(?: [\w-]{1,20}){0,3}(?<! in)(?<! of)(?<! since)(?<! the)"
    r" (?:may|might|must|should|can)(?! have)(?= \w)"
)


@dataclass(frozen=True)
class Asked:
    """A question as the rules look at it. Offsets are the same in ``text`` and ``folded``."""

    text: str

    @cached_property
    def folded(self) -> str:
        """The question folded, with blanks for names in which a word of time means none."""
        return _NAMES.sub(lambda match: "_" * len(match[0]), fold_letters(self.text))

    @cached_property
    def of_sport(self) -> bool:
        """Whether quarters may be those of a match."""
        return _SPORT.search(self.folded) is not None

    @cached_property
    def of_a_may(self) -> bool:
        """Whether "May" may be a person."""
        return _MAY_THE_PERSON.search(self.folded) is not None

    @cached_property
    def of_a_state(self) -> bool:
        """Whether it asks how things are: "Who is the minister today?" is no question about one day."""
        return _STATE.search(self.folded) is not None and _EVENT.search(self.folded) is None

    @cached_property
    def _of_what_may_be(self) -> bool:
        return _MODAL.search(self.folded) is not None

    def ahead(self, start: int, end: int) -> bool:
        """Whether what is said of ``text[start:end]`` is to come: "will", "is due", "who may", "what must"."""
        return self._of_what_may_be or tense_of(self.text, start, end) == "future"

    def before(self, start: int) -> str:
        """What stands before, 48 code points at most."""
        return self.folded[max(start - _BEFORE, 0) : start]

    def after(self, end: int) -> str:
        """What follows, 40 code points at most."""
        return self.folded[end : end + _AFTER]

    def capital(self, start: int) -> bool:
        """Whether the word there has a capital first letter and a small one after it."""
        return self.text[start : start + 1].isupper() and self.text[start + 1 : start + 2].islower()

    def quoted(self, start: int, end: int) -> bool:
        """Whether these words alone stand in quotes: a title."""
        return self.folded[max(start - 1, 0) : start] in ('"', "'") and self.folded[end : end + 1] in ('"', "'")
