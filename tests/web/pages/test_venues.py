"""The forms that make and change venues and queues."""

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
        ({"time_zone": "America/New_Yrok"}, "did you mean America/New_York?"),
        ({"language": "xx"}, "The language must be chosen from the list."),
        ({"phone_number": "12"}, "The phone number is not a phone number"),
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
        ({"join_code": "a b"}, "The join code must be 3 to 20 letters A to Z and digits."),
        ({"capacity": "-1"}, "The number who may wait must be a whole number."),
        ({"grace_minutes": "9999999"}, "The time to come back must be a whole number"),
        ({"text": "x" * 501}, "The text for who waits must have at most 500 characters."),
    ],
)
def test_settings_refused_change_nothing(bar: Bar, ann: Visitor, filled_in: dict[str, str], sentence: str) -> None:
    ann.get(f"{bar.board}/settings")

    answer = ann.press("/settings", **({"name": "Door"} | filled_in))

    assert answer.status_code == 422
    assert sentence in answer.text
    assert bar.queue().name == "Main bar"
