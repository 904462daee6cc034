"""Pure: lines a page extractor leaves over that are no part of the article.

For text taken from web pages only: there the page is the original, and what is stored is made from it anyway. A line
goes only when the whole of it is one of these phrases; a sentence that merely holds one stays.
"""

from __future__ import annotations

import re

_LONGEST = 200
_SITES = (
    r"(?:facebook|twitter|x|whatsapp|linkedin|e-?mail|telegram|reddit|pinterest|bluesky|threads|mastodon|messenger)"
)
_PHRASES = (
    # advertising
    r"advertisements?|advertising|sponsored(?: content)?|paid (?:content|post)|scroll to continue|skip advert\w*",
    r"(?:article|story) continues (?:below|after)(?: (?:this |the )?ad(?:vertisement)?)?",
    r"anzeige|werbung|publicité|publicidad|publicidade|pubblicità",
    # further reading
    r"read more|read (?:the )?full (?:story|article)|continue reading|more on this story|see also|most read",
    r"related (?:stories|articles|topics)|recommended(?: stories| for you)?|trending(?: now)?",
    r"you (?:may|might) also (?:like|be interested in)",
    r"(?:à )?lire aussi|leer más|lea también|leia (?:mais|também)|mehr zum thema|lesen sie auch|leggi anche",
    # sharing
    r"share|share (?:this )?(?:article|story|page|post)|copy (?:the )?link",
    r"link copied|save (?:this )?(?:article|story)",
    rf"(?:share|post|tweet) (?:this )?(?:on|via|by|to) {_SITES}",
    rf"share(?: (?:on|via))?:?(?:[\s,/|·•]+(?:and )?{_SITES})+|{_SITES}(?:[\s,/|·•]+(?:and )?{_SITES})+",
    r"print(?: this)?(?: article| story| page)?|follow us(?: on .{1,60})?",
    r"partager(?: l'article)?|compartir|compartilhar|teilen|condividi",
    r"comments?|leave a comment|(?:view|show) (?:all )?comments|\d+ (?:comments?|shares?)",
    # cookies and consent
    r"(?:we|this (?:site|website|page)) uses? cookies(?: (?:and|to|for|on|so)\b.{0,150})?",
    r"by (?:continuing|using) .{0,40}\b(?:site|website|page|brows\w+)\b.{0,60}\bcookies\b.{0,80}",
    r"accept(?: all)?(?: cookies)?|(?:reject|manage|decline) (?:all )?(?:cookies|preferences|choices)",
    r"cookie (?:settings|policy|preferences)|privacy policy|terms of (?:use|service)",
    # subscriptions and accounts
    r"subscribe(?: now| today)?|sign (?:up|in)|log ?in|register(?: now)?",
    r"already (?:a subscriber|have an account)\?.{0,40}",
    r"subscribe (?:to|for) .{0,60}\b(?:newsletters?|unlimited access|full access)\b.{0,40}",
    r"sign up (?:for|to) .{0,60}\b(?:newsletters?|email updates?|alerts|briefing)\b.{0,60}",
    r"get (?:the|our) .{0,40}\bnewsletter\b.{0,60}|abonnieren sie .{0,40}newsletter.{0,40}",
    r"(?:this (?:article|content|story) is )?(?:only )?(?:available )?(?:for|to) subscribers(?: only)?",
    r"to continue reading,? (?:please )?(?:subscribe|sign in|log in|register).{0,60}",
    # machinery
    r"(?:please )?enable javascript\b.{0,120}|javascript (?:is (?:disabled|required)|must be enabled)\b.{0,120}",
    r"your browser (?:does not|doesn't) support .{1,80}|(?:back to|return to) top|skip to (?:main )?content",
    r"loading|menu|play video|watch(?: now)?|listen to (?:this )?(?:article|story)(?:\s*\d.{0,20})?",
    r"\d+ min(?:ute)?s? read|(?:image|photo) caption|(?:(?:copyright |©\s?).{0,60})?all rights reserved",
)
_LINE = re.compile(r"(?:[-–—*•·>»→▶]\s*)*(?:" + "|".join(_PHRASES) + r")\s*[.:!…>»→]*", re.IGNORECASE)


def without_boilerplate(text: str) -> str:
    """``text`` less the lines that are boilerplate as a whole; its other lines as they are. "" when nothing is left."""
    lines = [line for line in text.split("\n") if not is_boilerplate(line)]
    return "\n".join(lines).strip()


def is_boilerplate(line: str) -> bool:
    """Whether ``line`` is one of the phrases, apart from white space, a bullet before it and a mark after it."""
    stripped = line.strip()
    return 0 < len(stripped) <= _LONGEST and _LINE.fullmatch(stripped) is not None
