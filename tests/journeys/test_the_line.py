"""The story of an evening: guests text and write, staff call, the calls arrive. Over HTTP, as anybody could."""

from tests.journeys.line import Line


def test_guests_join_by_text_and_telegram_and_the_calls_arrive(line: Line) -> None:
    ana, ben = line.phone("Ana"), line.chat("Ben")

    ana.says("JOIN")
    placed = ana.reads("You're in!")
    assert "Place 1" in placed
    ben.says("/start DEMO")
    assert "Place 2" in ben.reads("You're in!")
    assert line.guests_page(placed)["position"] == 1

    first, second = line.tickets()
    assert (first["channel"], second["channel"]) == ("sms", "telegram")
    called = line.call_next()
    assert called["id"] == first["id"]
    ana.reads("your turn")
    line.sees(called["id"], ("called", "delivered"), state="called")

    line.post(f"/tickets/{called['id']}/serve")
    assert line.call_next()["id"] == second["id"]
    ben.reads("your turn")
    line.sees(second["id"], ("called", "delivered"), state="called")
    kinds = [event["kind"] for event in line.get(f"/tickets/{called['id']}/history")["items"]]
    assert kinds[0] == "joined"
    assert {"called", "served"} <= set(kinds)


def test_a_guest_tells_party_and_name_while_joining(line: Line) -> None:
    guest = line.phone("Delia")

    guest.says("join demo 2 Delia")
    guest.reads("You're in!")

    [ticket] = line.tickets()
    assert (ticket["guest_name"], ticket["party_size"]) == ("Delia", 2)


def test_a_guest_who_joins_twice_keeps_one_place(line: Line) -> None:
    guest = line.phone("Eva")

    guest.says("JOIN")
    guest.reads("You're in!")
    guest.says("JOIN")
    guest.reads("already in line")

    assert len(line.tickets()) == 1


def test_a_guest_in_another_language_is_answered_in_it(line: Line) -> None:
    guest = line.chat("João", "pt-br")

    guest.says("entrar DEMO")
    guest.reads("na fila")
    line.call_next()

    guest.reads("sua vez")


def test_a_guest_leaves_by_text_after_being_asked_once(line: Line) -> None:
    guest = line.phone("Fred")
    guest.says("JOIN")
    guest.reads("You're in!")

    guest.says("LEAVE")
    guest.reads("9")
    [ticket] = line.tickets()
    guest.says("9")
    guest.reads("You've left")

    line.sees(ticket["id"], state="left")
    assert line.tickets() == []


def test_a_guest_leaves_by_pressing_the_button_twice(line: Line) -> None:
    guest = line.chat("Gus")
    guest.says("/start DEMO")
    guest.reads("You're in!")
    [ticket] = line.tickets()

    guest.presses("Leave")
    guest.sees_popup("again")
    guest.presses("Leave")

    line.sees(ticket["id"], state="left")


def test_one_who_missed_the_call_comes_back_to_the_front(line: Line) -> None:
    late, next_one = line.phone("Hugo"), line.phone("Ines")
    for guest in (late, next_one):
        guest.says("JOIN")
        guest.reads("You're in!")
    called = line.call_next()
    late.reads("your turn")

    line.post(f"/tickets/{called['id']}/no-show")
    late.reads("You missed your call")
    late.says("JOIN")
    late.reads("Welcome back!")

    assert line.call_next()["id"] == called["id"]


def test_one_who_stopped_texts_keeps_the_place_and_staff_see_it(line: Line) -> None:
    guest = line.phone("Jana")
    guest.says("JOIN")
    guest.reads("You're in!")
    [ticket] = line.tickets()

    guest.says("STOP")
    guest.reads("unsubscribed")
    line.sees(ticket["id"], reachable=False, state="waiting")
    texts = guest.read_so_far()
    line.call_next()
    line.sees(ticket["id"], ("called", "failed"), state="called")
    assert guest.read_so_far() == texts

    line.post(f"/tickets/{ticket['id']}/put-back")
    guest.says("START")
    guest.reads("Place 1")
    line.sees(ticket["id"], reachable=True)
    line.call_next()
    guest.reads("your turn")


def test_a_walk_in_is_texted_the_place_and_the_call(line: Line) -> None:
    phone = line.phone("Kim")
    number = phone.id.removeprefix("sms:")

    body = {"guest_name": "Kim", "party_size": 3, "phone": number}
    ticket = line.post(f"/queues/{line.queue_id}/tickets", body)
    phone.reads("place 1")
    line.call_next()

    phone.reads("your turn")
    line.sees(ticket["id"], ("called", "delivered"))


def test_a_phone_that_can_not_be_texted_is_shown_to_staff(line: Line) -> None:
    guest = line.phone("Lou")
    guest.says("JOIN")
    guest.reads("You're in!")
    guest.turns("landline", on=True)

    called = line.call_next()

    line.sees(called["id"], ("called", "undelivered"), reachable=False)


def test_a_guest_who_blocks_the_bot_is_shown_to_staff_until_the_block_is_lifted(line: Line) -> None:
    guest = line.chat("Paul")
    guest.says("/start DEMO")
    guest.reads("You're in!")
    [ticket] = line.tickets()

    guest.turns("blocked", on=True)
    line.sees(ticket["id"], reachable=False, state="waiting")
    guest.turns("blocked", on=False)

    line.sees(ticket["id"], reachable=True)


def test_a_call_that_the_carrier_throttles_arrives_later(line: Line) -> None:
    guest = line.phone("Quinn")
    guest.says("JOIN")
    guest.reads("You're in!")
    guest.turns("throttled", on=True)

    called = line.call_next()
    line.sees(called["id"], state="called")
    guest.turns("throttled", on=False)

    guest.reads("your turn")
    line.sees(called["id"], ("called", "delivered"))


def test_a_call_taken_back_is_told(line: Line) -> None:
    guest = line.chat("Mia")
    guest.says("/start DEMO")
    guest.reads("You're in!")
    called = line.call_next()
    guest.reads("your turn")

    line.post(f"/queues/{line.queue_id}/undo")

    guest.reads("not yet")
    line.sees(called["id"], state="waiting", position=1)


def test_everybody_is_told_when_the_line_closes(line: Line) -> None:
    guests = [line.phone("Nora"), line.chat("Otto")]
    for guest in guests:
        guest.says("JOIN DEMO")
        guest.reads("You're in!")

    line.post(f"/queues/{line.queue_id}/close", {"waiting": "remove"})
    for guest in guests:
        guest.reads("closed")
    guests[0].says("JOIN")
    guests[0].reads("closed")

    line.patch(f"/queues/{line.queue_id}", {"state": "open"})
    guests[0].says("JOIN")
    guests[0].reads("You're in!")
