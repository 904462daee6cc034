"""What stands around a month, a year or a weekday in a question tells whether a time is meant: "in March", "the march".

A year in a name tells which thing is meant, and nothing of when it was written about: of the 2022 World Cup there were
reports for twelve years before it. So a year counts after "in", "since" or "of", and not in "the 2022 World Cup".
"""

from __future__ import annotations

import re

from qa.asked_text import Asked
from qa.calendar import MONTH_NUMBERS, any_of

Match = re.Match[str]

MONTH = any_of(MONTH_NUMBERS)
YEAR = r"(?:1\d|20)\d\d"

_SAFE_MONTHS = frozenset(name for name in MONTH_NUMBERS if len(name) > 4) - set(
    "march april august avril marco".split()
)
"""Names that are no words of another meaning and no people's names; no abbreviation is among them."""

_ELSEWHERE = (
    r"en|em|desde|hasta|ate|antes del?|antes d[oa]|despues del?|depois de|apos|entre|durante|im|seit|vor|nach|depuis"
    r"|avant|apres|nel"
)
_BEFORE_TIME = re.compile(
    r"(?<!\w)(?:(?P<limit>since|until|till|before|after|by|prior to|as of|up to|through|from)"
    r"|in|during|throughout|early|mid|late|between|(?P<of>of|de|del|do|di)|(?P<at>a)"
    rf"|{_ELSEWHERE}|fin|debut|inizio|bis)[ -](?P<the>the |el |o |la )?(?:months? of |mes de )?\Z"
)
_BEFORE_FRENCH = re.compile(r"(?<!\w)(?:en|depuis|avant|apres|debut|fin|mi|de|jusqu'en|entre|a|et)[ -]\Z")
_ON = re.compile(
    rf"(?<!\w)(?:on|since|until|till|before|after|by|from|between|through|to|and|{_ELSEWHERE})"
    r"(?: the| el| dia| le| il)? \Z"
)
_BEFORE_WEEKDAY = re.compile(
    r"(?<!\w)(?:on|since|until|till|before|after|by|from|between|through|late|early|during|over|up to|as of|el|este|la"
    rf"|na|no|nesta|neste|{_ELSEWHERE})[ -](?:el |a |o |late |early )?\Z"
)
_NOT_BEFORE_WEEKDAY = re.compile(r"(?<!\w)(?:an?|every|each|one|any|some|per|that|which|what|(?P<the>the)) \Z")

_JOINED = (
    r"(?: (?:and|or|to|through|until|till|y|e|a|o|ou|al|ate|hasta|bis|und|et|versus|vs\.?|than|with)(?: in)? (?:the )?"
    r"|,? ?[-/] ?|, )"
)
_AFTER_A_MONTH = re.compile(rf"(?<!\w)(?:{MONTH})\.?(?:,? {YEAR})?{_JOINED}\Z")
_BEFORE_A_MONTH = re.compile(rf"\.?{_JOINED}(?:early |mid-|mid |late )?(?:{MONTH})(?!\w)")
_AFTER_A_YEAR = re.compile(rf"(?<!\w){YEAR}{_JOINED}\Z")
_AFTER_A_WEEKDAY = re.compile(rf"day{_JOINED}\Z")

_ENDS = r" ?\Z| ?[?.,;:!)\"/\-]"
_GOES_ON = (
    r" (?:in|on|at|about|by|with|and|or|of|for|to|from|that|which|who|when|how|what|the|a|an|this|last|according"
    r"|between|among|against|over|under|near|during|through|until|till|compared|than|as|alone|only|because|onwards?)(?!\w)"
)
_VERB_OR_SO = (
    r" (?:did|does|do|were|was|are|is|has|have|had|he|she|it|they|there|you|we|i|rather|again|but|after|before|when"
    r"|while|despite|without|within|into|following|via|per|if|so|not)(?!\w)"
)
_AFTER_LIMIT = re.compile(rf"{_ENDS}|{_GOES_ON}")
_AFTER_IN = re.compile(rf"{_ENDS}|{_GOES_ON}|{_VERB_OR_SO}")
_AFTER_DAY_NUMBER = re.compile(rf"{_ENDS}| (?:in|at|and|to|with|about)(?!\w)")

_BEFORE_EVENT = re.compile(r"(?:(?<!\w)(?:the|this|that|last|its|their|his|her|in|at|during|since|after|before)|'s) \Z")
_EVENT = re.compile(
    r"(?:'s)? (?:summit|meetings?|elections?|votes?|referendum|reports?|figures|data|talks|attacks?|protests?|coup"
    r"|earthquake|floods?|agreement|deal|decision|hearings?|debate|polls?|budget|strikes?|visit|speech|announcement"
    r"|ruling|inflation|jobs|sales|session|conference|ceasefire|truce|raids?|offensive|uprising|crash|launch|storm"
    r"|fires?)(?!\w)"
)
# A number before these is no year and no day: "2000 villages", "5 km", "2022%", "1200 BC".
_COUNTED = re.compile(
    r" (?!(?:was|is|has|does|this|as|across|his|its|versus|vs|us|plus|perhaps|always|unless|besides|thus|towards"
    r"|overseas|sometimes|less|news|les|los|las|mas|tras|nos|das|dos|aos|nas|depois|despues)\b)"
    r"(?:[a-z]{3,}s|people|men|women|children|km|kg|percent|per cent|million|billion|thousand|bc|bce|ad)(?!\w)"
    r"|[%:]|[.,]\d|[/-]\d"
)
_NAMED_AFTER_YEAR = re.compile(
    r"(?<!\w)(?:class|wars?|acts?|treaty|spirit|generation|author|writer|novel|book|film|movie|plot|copy|version|edition"
    r"|sequel|adaptation|characters?|themes?|meaning|battle|constitution|convention|charter|declaration|congress|peace"
    r"|revolution|law|cup|olympics|ley|lei|guerra|constitucion|constituicao|tratado|revolucion|revolucao|mundial|copa"
    r"|clase|classe) (?:of|de|del|do) \Z"
)
_NAMED_AFTER_DAY = re.compile(r" (?:revolution|uprising|massacre|movement|plot|generation)(?!\w)")
_EVERY = re.compile(r"(?<!\w)(?:every|each|annually|yearly)(?: year)?,?(?: on)? \Z")
_VERSION = re.compile(r"(?<!\w)(?:version|v|release|build|update|python|ios|sections?|rfc|iso|number|no\.?)[ .]?\Z")


def month_is_meant(asked: Asked, match: Match) -> bool:
    """Whether the bare name of a month (group ``m``) is the month."""
    name, before, after = match["m"], asked.before(match.start("m")), asked.after(match.end("m"))
    lead, joined = _BEFORE_TIME.search(before), _AFTER_A_MONTH.search(before)
    if not _spelt(asked, match) or (name == "may" and asked.of_a_may):
        return False
    if _EVENT.match(after) and _BEFORE_EVENT.search(before):
        return True
    if name in _SAFE_MONTHS or name == "marco":
        return bool(lead or joined or _BEFORE_A_MONTH.match(after))
    follows = _AFTER_LIMIT if lead and lead["limit"] else _AFTER_IN
    return bool((lead or joined) and follows.match(after.removeprefix(".")))


def month_of_year_is_meant(asked: Asked, match: Match) -> bool:
    """Whether the name of a month (group ``m``) with a year is what it looks like: not "what may 2022 bring"."""
    before = asked.before(match.start())
    if match["m"] != "may" or asked.capital(match.start("m")):
        return _spelt(asked, match)
    return bool(_BEFORE_TIME.search(before) or _AFTER_A_MONTH.search(before))


def relative_month_is_meant(asked: Asked, match: Match) -> bool:
    """Whether "last May" and its like are a month: not "this may be"."""
    if match["m"] in _SAFE_MONTHS:
        return True
    sure = match["which"] in ("last", "next") or asked.capital(match.start("m"))
    return sure and _AFTER_IN.match(asked.after(match.end())) is not None


def _spelt(asked: Asked, match: Match) -> bool:
    """Whether the month is no planet and no Marco: "mars" after a French word, "março" with its cedilla."""
    if match["m"] == "mars":
        return _BEFORE_FRENCH.search(asked.before(match.start("m"))) is not None
    return match["m"] != "marco" or "\u00e7" in asked.text[match.start("m") : match.end("m")].lower()


def date_is_meant(asked: Asked, match: Match) -> bool:
    """Whether a day number beside the name of a month is a date: "on May 5", not "they march 5 km", "every May 5"."""
    name, after = match["m"].removesuffix("."), asked.after(match.end())
    if _EVERY.search(asked.before(match.start())):
        return False
    if match["y"] or match["weekday"] or _ON.search(asked.before(match.start())):
        return name != "marco" or _spelt(asked, match)
    if _NAMED_AFTER_DAY.match(after):
        return False
    if name not in ("may", "march", "mar", "mai", "mars", "marco"):
        return True
    if match.start("d") < match.start("m"):  # "the 10 may run"
        return asked.capital(match.start("m")) and name != "may"
    return asked.capital(match.start("m")) and name != "marco" and not _COUNTED.match(after)


def day_of_month_is_meant(asked: Asked, match: Match) -> bool:
    """Whether "the 8th" is a day: "on the 8th", not "on the 8th floor"."""
    if match["month"]:
        return True
    return bool(_ON.search(asked.before(match.start())) and _AFTER_DAY_NUMBER.match(asked.after(match.end())))


def year_is_meant(asked: Asked, match: Match) -> bool:
    """Whether a bare number (group ``y``) is a year that tells a time: "in 2022", not "the 2022 World Cup"."""
    before, after = asked.before(match.start()), asked.after(match.end())
    counted = _COUNTED.match(after) and not (after.startswith(" ") and asked.capital(match.end() + 1))
    if counted or _VERSION.search(before):
        return False
    lead = _BEFORE_TIME.search(before)
    if lead is None or lead["at"] or lead["the"] == "the ":  # "in the 2022 elections"
        return match[0].endswith("'s") or _AFTER_A_YEAR.search(before) is not None
    return not (lead["of"] and _NAMED_AFTER_YEAR.search(before))


def decade_is_meant(asked: Asked, match: Match) -> bool:
    """Whether "the 90s" are years: not temperatures or an age."""
    if match["century"]:
        return True
    if re.search(r"(?<!\w)(?:his|her|their|my|our|your|mid|low|high|upper) \Z", asked.before(match.start())):
        return False
    if match["apostrophe"]:
        return True
    return match[0].startswith("the ") and not re.search(r"temperature|degrees|heat|aged?(?!\w)|humid", asked.folded)


def not_of_sport(asked: Asked, match: Match) -> bool:
    """Whether a quarter is one of a year."""
    return not asked.of_sport and not re.match(r" of (?!the (?:year|fiscal))|-", asked.after(match.end()))


def weekday_is_meant(asked: Asked, match: Match) -> bool:
    """Whether the bare name of a weekday is one certain day: not "every Monday"."""
    before, after = asked.before(match.start()), asked.after(match.end())
    if _BEFORE_WEEKDAY.search(before) or _AFTER_A_WEEKDAY.search(before):
        return True
    determiner = _NOT_BEFORE_WEEKDAY.search(before)
    if determiner and not (determiner["the"] and _EVENT.match(after)):
        return False
    return bool(match["more"] or (before and _AFTER_IN.match(after)))


def weekend_is_meant(asked: Asked, match: Match) -> bool:
    """Whether the weekend is one counted from the as-of date: not "the weekend of 8 April"."""
    return not re.match(r" (?:of|before last)(?!\w)", asked.after(match.end()))


def today_is_meant(asked: Asked, match: Match) -> bool:
    """Whether "today" is that day, and not these times."""
    return not (match[0] == "today" and asked.of_a_state)


def one_unit_is_meant(asked: Asked, match: Match) -> bool:
    """Whether "last week" is one stretch of time: not "last week after week", "last days"."""
    if re.match(r" (?:after|by|upon) (?:day|week|month|year)", asked.after(match.end())):
        return False
    return not match["u"].endswith("s") or match["u"] == "mes"


def one_time_is_meant(asked: Asked, match: Match) -> bool:
    """Whether "two days ago" is said so plainly: not "one or two", "2.5", "more than two"."""
    return not re.search(
        r"(?:\w-|[\d.,]|(?<!\w)(?:or|to|and|than|least|over|under|nearly|almost|hundred) )\Z",
        asked.before(match.start()),
    )


def unit_is_meant(asked: Asked, match: Match) -> bool:
    """Whether "the year" is this year: "since the start of the year"."""
    if re.match(r" (?:of|in|after|before|when|that|ending|to)(?!\w)", asked.after(match.end())):
        return False
    part = r"(?<!\w)(?:start|beginning|middle|end|first half|second half|early|late|mid) (?:of |in )?\Z"
    return re.search(part, asked.before(match.start())) is not None


def after_time_word(asked: Asked, match: Match) -> bool:
    """Whether a word of time stands before: "on Christmas Day", not "what is Christmas Day"."""
    before = asked.before(match.start())
    return bool(_BEFORE_TIME.search(before) or _ON.search(before))


def not_a_version(asked: Asked, match: Match) -> bool:
    """Whether three numbers are no version."""
    return not _VERSION.search(asked.before(match.start()))
