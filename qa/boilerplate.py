"""Pure: what stands in a text and is no part of the article: a page's leftovers, an agency's tags.

A line goes only when the whole of it is one of these phrases; a sentence that merely holds one stays. From web pages
such lines are taken before the text is stored: there the page is the original, and what is stored is made from it
anyway. Other texts are stored as they came, and only searched without.
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
    r"read more(?: here)?|read (?:the )?full (?:story|article)(?: here)?|continue reading|more on this story|see also",
    r"most read",
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
    r"our standards: the thomson reuters trust principles",
    # machinery
    r"(?:please )?enable javascript\b.{0,120}|javascript (?:is (?:disabled|required)|must be enabled)\b.{0,120}",
    r"your browser (?:does not|doesn't) support .{1,80}|(?:back to|return to) top|skip to (?:main )?content",
    r"loading|menu|play video|watch(?: now)?|listen to (?:this )?(?:article|story)(?:\s*\d.{0,20})?",
    r"\d+ min(?:ute)?s? read|(?:image|photo) caption|(?:(?:copyright |©\s?).{0,60})?all rights reserved",
)
# Who wrote and edited: names and the words between them up to the end of the line, so that no sentence is one.
# Possessive throughout: what could be read in many ways would be tried in all of them.
_CREDITED = (
    r"(?:\s*(?:(?-i:[A-ZÀ-Þ])[^\s,;()]*+|[,;&]"
    r"|(?:and|in|at|of|from|the|for|by|with|additional|editing|writing|reporting)\b))++"
)
_CREDIT = (
    r"\(?(?:with |includes |this (?:story|article|report) (?:includes|contains) )?(?:additional |further )?"
    rf"(?:(?:reporting|writing|editing|graphics?|translation)(?: contributed)? by|contribut(?:ing|ors?):){_CREDITED}\)?"
)
_LINE = re.compile(rf"(?:[-–—*•·>»→▶]\s*)*(?:{'|'.join(_PHRASES)}|{_CREDIT})\s*[.:!…>»→]*", re.IGNORECASE)

_AGENCY = (
    r"(?:Reuters|Thomson Reuters Foundation|AP|Associated Press|AFP|dpa|UPI|EFE|ANSA|Lusa|TASS|RIA Novosti|Interfax"
    r"|Xinhua|Kyodo|Yonhap|Anadolu|PTI|ANI|IANS|PA Media|AAP|CP|Canadian Press|Belga|ANP|APA|SDA|Keystone-SDA|STA|CTK"
    r"|PAP|MTI|Agerpres|BTA|Ukrinform|Bloomberg|CNN(?: Business)?)"
)
_OPENING = re.compile(
    # "LONDON, March 5 (Reuters) - ": before it only place and day, after it a dash.
    rf"^(?P<place>[^\n!?()]{{0,60}}?)[ \t]*\({_AGENCY}(?:[/,]\s?[\w ]{{2,20}})?\)[ \t]*[-–—]+(?=\s|$)"
    # "Kyiv, Ukraine CNN — ": without brackets only behind names, and before a dash that joins no sentence.
    rf"|^(?P<city>(?:[A-Z][\w'’-]*,?[ \t]+){{0,4}}){_AGENCY}[ \t]+(?:—|--)(?=\s|$)",
    re.MULTILINE,
)
_CLOSING = re.compile(
    rf"(?<=[.!?…\"'”’»])[ \t]*(?:\({_AGENCY}(?:[/,]\s?{_AGENCY})*\)|(?:—|–|--?)\s?{_AGENCY})[ \t.]*$", re.MULTILINE
)
_SIGNED = re.compile(
    r"(?<=[.!?”\"])[ \t]+\(?(?:Reporting|Writing)(?: and (?:writing|editing))? by [^\n]{2,200}?;[^\n]{0,200}?"
    r"\b[Ee]diting by [^\n.]{2,100}\.?\)?(?: Our Standards: [^\n]{0,80})?$",
    re.MULTILINE,
)


def without_boilerplate(text: str) -> str:
    """``text`` less the lines that are boilerplate as a whole; its other lines as they are. "" when nothing is left."""
    lines = [line for line in text.split("\n") if not is_boilerplate(line)]
    return "\n".join(lines).strip()


def is_boilerplate(line: str) -> bool:
    """Whether ``line`` is one of the phrases, apart from white space, a bullet before it and a mark after it."""
    stripped = line.strip()
    return 0 < len(stripped) <= _LONGEST and _LINE.fullmatch(stripped) is not None


def without_agencies(text: str) -> str:
    """``text`` less its agencies' tags at the beginning or end of a line: "(Reuters) -", "(AFP)", "Editing by ...".

    The place and the day before a tag stay.
    """
    text = _SIGNED.sub("", text)
    return _CLOSING.sub("", _OPENING.sub(lambda tag: (tag["place"] or tag["city"] or "").rstrip(), text)).strip()
