"""The forms that make and change venues and queues."""

import re

import pytest

from tests.web.pages.bar import BAR_NUMBER, Bar, Visitor


def test_a_venue_and_its_queue_are_made_by_form(ann: Visitor) -> None:
    ann.get("/venues/new")
    ann.press("/venues/new", name="Fuchsbau", time_zone="Europe/Berlin", language="es", phone_number="")
    assert ann.path.endswith("/queues/new")

    answer = ann.press("/queues/new", name="Terrace", join_code="fuchs", text="Welcome", largest_party="8")

    assert "The queue is open." in answer.text
    assert "FUCHS" in answer.text
    assert "Fuchsbau" in ann.get("/").text


@pytest.mark.parametrize(
    ("filled_in", "sentence"),
    [
        ({"name": " "}, "The name is missing."),
        ({"time_zone": "America/New_Yrok"}, "did you mean America/New_York?</p>"),
        ({"language": "xx"}, "The language must be chosen from the list."),
        (
            {"phone_number": "12"},
            "12 is not a phone number; write it with its country code, like +55 11 98765-4321",
        ),
    ],
)
def test_a_venue_refused_keeps_what_was_written(ann: Visitor, filled_in: dict[str, str], sentence: str) -> None:
    ann.get("/venues/new")
    good = {"name": "Fuchsbau", "time_zone": "Europe/Berlin", "language": "en"}

    answer = ann.press("/venues/new", **(good | filled_in))

    assert answer.status_code == 422
    assert sentence in answer.text
    assert ann.form("/venues/new").values["time_zone"] == (good | filled_in)["time_zone"]


def test_a_number_of_another_owner_is_refused(bar: Bar) -> None:
    bar.services.accounts.add("bob@example.com", "another horse battery")
    bob = Visitor(bar)
    bob.log_in("bob@example.com", "another horse battery")
    bob.get("/venues/new")

    answer = bob.press(
        "/venues/new", name="Other", time_zone="America/New_York", language="en", phone_number=BAR_NUMBER
    )

    assert "belongs to another account" in answer.text


def test_settings_are_changed_and_kept(bar: Bar, ann: Visitor) -> None:
    ann.get(f"{bar.board}/settings")
    shown = ann.form("/settings").values
    assert (shown["name"], shown["join_code"], shown["capacity"]) == ("Main bar", "DEMO", "")

    ann.press("/settings", name="Door", join_code="DOOR", capacity="20", no_show_minutes="")

    queue = bar.queue()
    assert (queue.name, queue.join_code, queue.capacity, queue.no_show_minutes) == ("Door", "DOOR", 20, None)


@pytest.mark.parametrize(
    ("filled_in", "sentence"),
    [
        ({"name": ""}, "The name is missing."),
        ({"join_code": "a b"}, "The join code must be 3 to 20 letters A to Z and digits, with at least one letter."),
        ({"capacity": "-1"}, "The number who may wait must be a whole number from 1 to 100000."),
        ({"grace_minutes": "1441"}, "The time to come back must be a whole number from 0 to 1440."),
        ({"almost_there_at": "51"}, "must be a whole number from 0 to 50."),
        ({"no_show_minutes": "0"}, "must be a whole number from 1 to 1440."),
        ({"largest_party": "1001"}, "The largest party must be a whole number from 1 to 1000."),
        ({"text": "x" * 501}, "The text for who waits must have at most 500 characters."),
    ],
)
def test_settings_refused_change_nothing(bar: Bar, ann: Visitor, filled_in: dict[str, str], sentence: str) -> None:
    ann.get(f"{bar.board}/settings")

    answer = ann.press("/settings", **({"name": "Door"} | filled_in))

    assert answer.status_code == 422
    assert sentence in answer.text
    assert bar.queue().name == "Main bar"


def test_a_venue_is_changed_by_form(bar: Bar, ann: Visitor) -> None:
    page = ann.get("/").text
    assert f"/venues/{bar.venue_id}/settings" in page
    ann.get(f"/venues/{bar.venue_id}/settings")
    shown = ann.form("/settings").values
    assert (shown["name"], shown["phone_number"], shown["day_starts_at"]) == ("The Blue Door", BAR_NUMBER, "06:00")

    answer = ann.press("/settings", name="The Red Door", language="pt-BR", phone_number="", retention_days="7")

    assert "Saved." in answer.text
    assert "The Red Door" in answer.text
    with bar.records.reading() as tx:
        venue = tx.venues.get(bar.venue_id)
    assert venue is not None
    assert (venue.language, venue.phone_number, venue.day_starts_at, venue.retention_days) == (
        "pt-BR",
        None,
        "06:00",
        7,
    )


@pytest.mark.parametrize(
    ("filled_in", "sentence"),
    [
        ({"name": ""}, "The name is missing."),
        ({"time_zone": "Mars"}, "is not a time zone"),
        ({"day_starts_at": "25:00"}, "The hour at which the day starts must be a time of day"),
        ({"retention_days": "366"}, "The number of days must be a whole number from 1 to 365."),
    ],
)
def test_a_venue_is_not_changed_by_what_cannot_be(
    bar: Bar, ann: Visitor, filled_in: dict[str, str], sentence: str
) -> None:
    ann.get(f"/venues/{bar.venue_id}/settings")

    answer = ann.press("/settings", **({"name": "Other", "language": "en"} | filled_in))

    assert answer.status_code == 422
    assert sentence in answer.text
    [wrong] = re.findall(r'<input [^>]*aria-invalid="true"[^>]*>', answer.text)
    assert f'name="{next(iter(filled_in))}"' in wrong
    assert 'aria-describedby="said' in wrong
    assert "autofocus" in wrong
    assert "The Blue Door" in ann.get("/").text


def test_a_stranger_neither_sees_nor_changes_a_venues_settings(bar: Bar) -> None:
    bar.services.accounts.add("bob@example.com", "another horse battery")
    bob = Visitor(bar)
    bob.log_in("bob@example.com", "another horse battery")
    path = f"/venues/{bar.venue_id}/settings"
    assert bob.get(path).status_code == 404
    bob.get("/venues/new")

    answer = bob.send(path, bob.form("/venues/new").values | {"name": "Mine", "time_zone": "UTC", "language": "en"})

    assert answer.status_code == 404
    with bar.records.reading() as tx:
        venue = tx.venues.get(bar.venue_id)
    assert venue is not None
    assert venue.name == "The Blue Door"


def test_what_cannot_be_seen_does_not_get_into_a_text(bar: Bar, ann: Visitor) -> None:
    ann.get(f"{bar.board}/settings")

    ann.press("/settings", name="Main\r\n\u202ebar\x07", text="Two\r\nlines\x1b[31m\x00", join_code="DEMO")

    queue = bar.queue()
    assert (queue.name, queue.text) == ("Main bar", "Two\nlines[31m")


@pytest.mark.parametrize("name", [" ", "\u200b", "\u3164"])
def test_a_name_needs_something_to_read(bar: Bar, ann: Visitor, name: str) -> None:
    ann.get(f"{bar.board}/settings")

    answer = ann.press("/settings", name=name, join_code="DEMO")

    assert answer.status_code == 422
    assert bar.queue().name == "Main bar"
