from __future__ import annotations

import contextlib
from datetime import date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingest.published import AmbiguousDateError, leading_date, parse_published, proved_order

TODAY = date(2024, 4, 1)


def day_of(written: str, *, today: date = TODAY, day_first: bool | None = None) -> date | None:
    found = parse_published(written, today=today, day_first=day_first)
    return found.day if found else None


def instant_of(written: str) -> str | None:
    found = parse_published(written, today=TODAY)
    return found.at if found else None


class TestParsePublished:
    @pytest.mark.parametrize(
        "written",
        [
            "2023-04-17", "2023/04/17", "2023.4.17", "20230417", "2023-04-17T23:59:59Z",
            "2023-04-17T23:59:59.123+14:00",
            "2023-04-17 08:00", "2023-04-17 08:00:00 -0700", "2023-04-17T08:00:00+00:00",
            "April 17, 2023", "april 17 2023",
            "Apr. 17, 2023", "Monday, April 17, 2023", "April 17th, 2023", "April 17, 2023 10:30 AM EDT",
            "April 17, 2023 at 6:05 p.m. ET", "17 April 2023", "17 Apr 2023", "17th of April 2023", "17-Apr-2023",
            "Mon, 17 Apr 2023 10:00:00 +0200", "Mon, 17 Apr 2023 10:00:00 GMT",
            "Mon, 17 Apr 2023 10:00:00 +0200 (CEST)",
            "17/04/2023", "04/17/2023", "17.04.2023", "  2023-04-17\n",
        ],
    )  # fmt: skip
    def test_reads_the_day_as_written(self, written: str) -> None:
        assert day_of(written) == date(2023, 4, 17)

    @pytest.mark.parametrize("month", ["Sept", "Sep.", "September"])
    def test_september_has_three_short_forms(self, month: str) -> None:
        assert day_of(f"{month} 5, 2023") == date(2023, 9, 5)

    def test_equal_day_and_month_cannot_be_confused(self) -> None:
        assert day_of("05/05/2023") == date(2023, 5, 5)

    def test_blank_is_undated(self) -> None:
        assert day_of(" \t") is None

    @pytest.mark.parametrize(
        ("written", "reason"),
        [
            ("03/04/2023", "could be 3/4 or 4/3"),
            ("3.4.2023", "could be"),
            ("2023-02-30", "not a day of the calendar"),
            ("13/13/2023", "not a day of the calendar"),
            ("1799-12-31", "before 1800"),
            ("2024-04-03", "in the future"),
            ("yesterday", "cannot read"),
            ("April 2023", "cannot read"),
            ("2023-04-17 was a Monday", "cannot read"),
            ("1681689600", "cannot read"),
            ("2023-04-171", "cannot read"),
        ],
    )
    def test_refuses_with_the_reason(self, written: str, reason: str) -> None:
        with pytest.raises(ValueError, match=reason):
            parse_published(written, today=TODAY)

    def test_tomorrow_may_be_today_elsewhere(self) -> None:
        assert day_of("2024-04-02") == date(2024, 4, 2)

    @given(st.dates(date(1800, 1, 1), TODAY))
    def test_every_day_in_every_plain_form(self, day: date) -> None:
        for written in (
            day.isoformat(),
            f"{day:%B} {day.day}, {day:%Y}",
            f"{day.day} {day:%b} {day:%Y}",
            f"{day:%Y%m%d}",
        ):
            assert day_of(written) == day

    @given(st.text(max_size=60))
    def test_never_fails_otherwise(self, written: str) -> None:
        with contextlib.suppress(ValueError):
            parse_published(written, today=TODAY)

    def test_long_nonsense_is_quick_and_shown_short(self) -> None:
        with pytest.raises(ValueError, match="…") as caught:
            parse_published("Mon" + " " * 200_000 + "x", today=TODAY)
        assert len(str(caught.value)) < 100


def test_leading_date_stops_where_the_text_goes_on() -> None:
    found = leading_date("April 17, 2023 The minister", today=TODAY)
    assert found is not None
    assert (found.day, "April 17, 2023 The minister"[found.end :]) == (date(2023, 4, 17), " The minister")
    assert leading_date("The 17 April 2023", today=TODAY) is None


@pytest.mark.parametrize(
    "written",
    [
        "5 de marzo de 2024", "martes, 5 de marzo de 2024, 06:30 h", "5 de março de 2024 às 14h30", "5 mars 2024",
        "mardi 5 mars 2024 à 14h30", "5. März 2024", "Dienstag, 5. Mrz. 2024, 14:30 Uhr", "5 marzo 2024 alle ore 14:30",
        "martedì 5 marzo 2024", "5-mar-2024", "Tue Mar 05 23:15:00 UTC 2024", "20240305T231500Z", "20240305T2315+0100",
    ],
)  # fmt: skip
def test_dates_in_six_languages_and_of_machines(written: str) -> None:
    assert day_of(written) == date(2024, 3, 5)


def test_every_month_of_every_language_has_its_number() -> None:
    months = {
        1: "enero janeiro janvier Januar gennaio", 2: "febrero fevereiro février Februar febbraio",
        4: "abril avril April aprile", 5: "mayo maio mai Mai maggio", 6: "junio junho juin Juni giugno",
        7: "julio julho juillet Juli luglio", 8: "agosto août August", 9: "septiembre setembro septembre settembre",
        10: "octubre outubro octobre Oktober ottobre", 11: "noviembre novembro novembre",
        12: "diciembre dezembro décembre Dezember dicembre",
    }  # fmt: skip
    for number, names in months.items():
        for name in names.split():
            assert day_of(f"2 {name} 2023") == date(2023, number, 2)


def test_a_known_order_reads_what_could_be_either_and_nothing_else() -> None:
    with pytest.raises(AmbiguousDateError):
        parse_published("03/04/2024", today=date(2025, 1, 1))
    assert day_of("03/04/2024", today=date(2025, 1, 1), day_first=True) == date(2024, 4, 3)
    assert day_of("03/04/2024", today=date(2025, 1, 1), day_first=False) == date(2024, 3, 4)
    assert day_of("25/04/2024", today=date(2025, 1, 1), day_first=False) == date(2024, 4, 25)


@pytest.mark.parametrize(
    ("written", "order"),
    [("25/04/2024", True), (" 04.25.2024 10:00", False), ("03/04/2024", None), ("25/26/2024", None),
     ("13/32/2024", None), ("2024-04-25", None), ("25 April 2024", None), ("", None)],
)  # fmt: skip
def test_proved_order(written: str, order: bool | None) -> None:
    assert proved_order(written) is order


@pytest.mark.parametrize(
    ("written", "instant"),
    [
        ("2023-04-17T23:59:59.123+14:00", "2023-04-17T23:59:59+14:00"),
        ("2023-04-17T08:05Z", "2023-04-17T08:05:00+00:00"),
        ("2023-04-17 08:00:00 -0700", "2023-04-17T08:00:00-07:00"),
        ("2023-04-17 08:00", "2023-04-17T08:00:00"),
        ("20230417T231500Z", "2023-04-17T23:15:00+00:00"),
        ("20230417T2315+0100", "2023-04-17T23:15:00+01:00"),
        ("Mon, 17 Apr 2023 10:00:00 GMT", "2023-04-17T10:00:00+00:00"),
        ("Mon, 17 Apr 2023 10:00:00 +0200 (CEST)", "2023-04-17T10:00:00+02:00"),
        ("April 17, 2023 10:30 AM EDT", "2023-04-17T10:30:00-04:00"),
        ("April 17, 2023 12:05 a.m. PST", "2023-04-17T00:05:00-08:00"),
        ("April 17, 2023 12:05 pm", "2023-04-17T12:05:00"),
        ("17. April 2023, 14:30 Uhr", "2023-04-17T14:30:00"),
        ("17 de abril de 2023 às 14h30", "2023-04-17T14:30:00"),
        ("17/04/2023 06:05", "2023-04-17T06:05:00"),
        ("Mon Apr 17 23:15:00 UTC 2023", "2023-04-17T23:15:00+00:00"),
        # An hour whose offset changes with the season, or that no clock shows, is as good as none or not one at all.
        ("April 17, 2023 at 6:05 p.m. ET", "2023-04-17T18:05:00"),
        ("2023-04-17 25:00", None),
        ("2023-04-17T08:00:00+99:00", None),
        ("2023-04-17", None),
        # How programs write a day: only with an offset it is an instant.
        ("2023-04-17 00:00:00", None),
        ("2023-04-17T00:00:00Z", "2023-04-17T00:00:00+00:00"),
    ],
)
def test_the_instant_is_read_with_the_offset_written(written: str, instant: str | None) -> None:
    assert instant_of(written) == instant
    assert day_of(written) == date(2023, 4, 17)


@given(st.datetimes(datetime(1800, 1, 1), datetime(2024, 3, 31), timezones=st.one_of(st.none(), st.timezones())))  # noqa: DTZ001
def test_an_instant_in_iso_is_read_to_the_second_and_reads_the_same_again(moment: datetime) -> None:
    moment = moment.replace(microsecond=0)
    # Zones of long ago have offsets with seconds, which ISO 8601 cannot write.
    offset = moment.utcoffset()
    if offset is not None and offset.seconds % 60:
        return
    found = parse_published(moment.isoformat(), today=TODAY)
    assert found is not None
    assert found.day == moment.date()
    assert found.at in (moment.isoformat(), None)
    assert (found.at is None) == (moment.tzinfo is None and (moment.hour, moment.minute, moment.second) == (0, 0, 0))
    assert parse_published(found.iso, today=TODAY) == found
