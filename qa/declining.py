"""Pure: how models decline in languages other than English; each line is data, read once.

Only what speaks of the articles themselves, or of oneself, declines: "Los artículos no lo dicen", "Das weiß ich nicht".
"""

from __future__ import annotations

import re
from functools import lru_cache

from qa.text import fold

_FORMS = """
    de | leider; tut mir leid; es tut mir leid
       | artikel; artikeln; texte; texten; quellen; passagen; dokumente; dokumenten
       | die _ sagen (dazu |darüber |das |es )?(nicht|nichts);
         die _ (enthalten|nennen|erwähnen|geben|beantworten|liefern) * (nicht|nichts|kein|keine|keinen|keinerlei);
         in den _ (steht|findet sich|gibt es|wird) * (nichts|nicht|keine); aus den _ geht * nicht hervor;
         (dazu |darüber )?(sagen|enthalten|nennen) die _ * (nichts|keine|keinen); ich (kann|weiß) * nicht;
         das weiß ich nicht
       | aber; jedoch; allerdings; doch
    fr | malheureusement; désolé; je suis désolé
       | articles; textes; sources; passages; documents
       | les _ ne (le )?(disent|contiennent|mentionnent|précisent|fournissent|donnent) (pas|rien|aucun|aucune);
         les _ n'(indiquent|apportent|évoquent) (pas|rien|aucun|aucune); je ne sais pas; je ne peux pas répondre;
         il n'y a (pas|aucune) * dans les _
       | mais; cependant; toutefois; pourtant
    es | lamentablemente; desafortunadamente; lo siento
       | artículos; textos; fuentes; pasajes; documentos
       | (los|las) _ no (lo )?(dicen|contienen|mencionan|indican|responden|especifican|proporcionan|ofrecen);
         no lo sé; no sé; no puedo responder; no hay * en (los|las) _
       | pero; embargo; aunque
    it | purtroppo; mi dispiace
       | articoli; testi; passaggi; documenti; fonti
       | (gli|i|le) _ non (lo )?(dicono|contengono|menzionano|indicano|rispondono|specificano|forniscono);
         non lo so; non so; non posso rispondere; negli articoli non (c'è|ci sono)
       | ma; però; tuttavia
    pt | infelizmente; lamento; desculpe
       | artigos; textos; passagens; documentos; fontes
       | (os|as) _ não (o )?(dizem|contêm|mencionam|indicam|respondem|especificam|fornecem|informam);
         não sei; não posso responder; não há * (nos|nas) _
       | mas; porém; contudo; entretanto
    nl | helaas; het spijt me
       | artikelen; teksten; bronnen; passages; documenten
       | de _ zeggen (daar |hier |dat |het )?(niet|niets);
         de _ (bevatten|vermelden|noemen|geven|beantwoorden) * (niet|niets|geen); ik weet het niet; dat weet ik niet;
         ik kan * niet beantwoorden; in de _ staat * (niet|niets|geen)
       | maar; echter; toch
    ru | к сожалению; извините
       | статьях; текстах; источниках; документах; статьи; тексты; источники; документы
       | (эти )?_ не (говорят|содержат|упоминают|сообщают|указывают|отвечают);
         в (этих |предоставленных )?_ * (не (говорится|сказано|указано|упоминается|сообщается)|нет); я не знаю; не знаю;
         я не могу ответить
       | но; однако; зато
    """
"""For each language: openings, "_" (what articles are called), the forms ("*": up to four words), and words that turn
to something else."""
_ANY = r"(?:\S+ ){0,4}"


def declines_abroad(text: str) -> bool:
    """Whether a sentence, folded words with spaces between, begins with one of the forms and turns to nothing else."""
    for form, turns in _forms():
        found = form.match(text)
        if found is not None and turns.isdisjoint(text[found.end() :].split()):
            return True
    return False


@lru_cache(maxsize=1)
def _forms() -> tuple[tuple[re.Pattern[str], frozenset[str]], ...]:
    found = []
    for language in re.split(r"^ *[a-z]{2} \|", _FORMS, flags=re.MULTILINE)[1:]:
        parts = re.split(r"^ *\|", fold(language), flags=re.MULTILINE)
        openings, names, forms, turns = ([one.strip() for one in part.split(";")] for part in parts)
        called = f"(?:{'|'.join(names)})"
        either = "|".join(form.replace("_", called).replace("* ", _ANY) for form in forms)
        found.append((re.compile(rf"(?:(?:{'|'.join(openings)}) )*(?:{either})(?!\S)"), frozenset(turns)))
    return tuple(found)
