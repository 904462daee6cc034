from __future__ import annotations

import re
from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from qa.events import CitationEvent, DeltaEvent, Event, SentenceEvent
from qa.stopping import CUT_SHORT, Stopping
from tests.unit.qa.test_assembly import REPORTS, assemble, replies

REPLY = "Lavrov visited Brazil [1]. He met Mauro Vieira [1]. Trade reached 9.8 billion dollars [2]."
WHOLE = "Lavrov visited Brazil [1]. He met Mauro Vieira [2]. Trade reached 9.8 billion dollars [3]."


def _events(reply: str) -> list[Event]:
    return assemble(reply)[1]


def _stopped(reply: str, stops: Sequence[str], given: Sequence[Event] | None = None) -> tuple[Stopping, list[Event]]:
    stopping = Stopping(stops)
    told: list[Event] = []
    for event in _events(reply) if given is None else given:
        told += stopping.feed(event)
        if stopping.hit:
            return stopping, told
    return stopping, told + stopping.end()


def _text(events: Sequence[Event]) -> str:
    return "".join(event.text for event in events if isinstance(event, DeltaEvent))


def test_an_answer_ends_before_the_first_stop() -> None:
    stopping, events = _stopped(REPLY, ["dollars", "Mauro"])
    assert stopping.text == _text(events) == "Lavrov visited Brazil [1]. He met "
    assert [citation.n for citation in stopping.citations] == [1]
    whole, short = stopping.sentences
    assert (whole.supported, whole.citations) == (True, (1,))
    assert stopping.text[short.start : short.end] == "He met"
    assert (short.supported, short.reason, short.citations) == (False, CUT_SHORT, ())


def test_a_stop_between_two_sentences_leaves_the_first_whole() -> None:
    stopping, _ = _stopped(REPLY, [" He"])
    assert stopping.text == "Lavrov visited Brazil [1]."
    assert [sentence.supported for sentence in stopping.sentences] == [True]


def test_a_stop_over_the_end_of_a_sentence_is_found() -> None:
    stopping, _ = _stopped(REPLY, [". Trade"])
    assert stopping.text == "Lavrov visited Brazil [1]. He met Mauro Vieira [2]"


def test_a_marker_is_never_cut_in_two() -> None:
    stopping, _ = _stopped(REPLY, ["2]"])
    assert stopping.text == "Lavrov visited Brazil [1]. He met Mauro Vieira "
    assert [citation.n for citation in stopping.citations] == [1]


def test_only_what_may_begin_a_stop_is_held_back() -> None:
    stopping = Stopping([". Nothing"])
    first, second = _events(REPLY)[:3], _events(REPLY)[3:6]
    assert [event for one in first for event in stopping.feed(one)] == []
    assert _text([event for one in second for event in stopping.feed(one)]) == ""
    assert _text([event for one in _events(REPLY)[6:] for event in stopping.feed(one)] + stopping.end()) == WHOLE


def test_a_citation_is_not_superseded_by_one_that_was_cut_off() -> None:
    said = "The earthquake in Velm province killed 12 people [1]."
    events = assemble(said, REPORTS)[1]
    stopping, _ = _stopped(said, ["rose to"], events)
    assert [(one.n, one.superseded_by) for one in stopping.citations] == [(1, None)]
    whole, _ = _stopped(said, ["nowhere"], events)
    assert [(one.n, one.superseded_by) for one in whole.citations] == [(1, 2), (2, None)]


stops = st.lists(
    st.sampled_from([".", "He", "] ", "[1]", "1", "\n", " ", "(", ". T", "e m"]) | st.text("[]12 .e"), max_size=4
)


@given(replies, stops)
def test_whatever_is_cut_off_what_is_left_is_in_order(reply: str, stops: list[str]) -> None:
    whole = _text(_events(reply))
    stopping, events = _stopped(reply, stops)
    places = [at for stop in stops if stop and (at := whole.find(stop)) >= 0]
    text = _text(events)
    assert whole.startswith(text)
    assert not any(stop in text for stop in stops if stop)
    if places:
        # The whole of what comes before the stop, but for a marker that it stands in.
        assert stopping.text == text
        assert not re.sub(r"\[\d*$", "", whole[len(text) : min(places)])
    else:
        assert text == whole
    numbers = [int(digits) for digits in re.findall(r"\[(\d+)\]", text)]
    cited = [event.citation.n for event in events if isinstance(event, CitationEvent)]
    assert list(dict.fromkeys(numbers)) == cited == list(range(1, len(cited) + 1))
    for event in events:
        if isinstance(event, SentenceEvent):
            sentence = event.sentence
            assert 0 <= sentence.start < sentence.end <= len(text)
            shown = text[sentence.start : sentence.end]
            assert shown == shown.strip()
            assert {int(digits) for digits in re.findall(r"\[(\d+)\]", shown)} == set(sentence.citations)
