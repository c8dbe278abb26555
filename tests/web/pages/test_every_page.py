"""What holds for all pages: headers, the files they load, the languages, and errors."""

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po

import web
from core.accounts import AccountService
from core.storage.account_store import SqlAccountStore
from core.storage.dynamodb_accounts import DynamoAccountStore
from core.storage.engine import open_engine
from core.storage.records import Records
from tests.dynamodb import dynamodb_at
from tests.servers import free_port
from tests.web.pages.bar import Bar, Visitor

WEB = Path(web.__file__).parent
CATALOGUES = sorted((WEB / "locales").glob("*/LC_MESSAGES/messages.po"))


def paths(bar: Bar) -> list[str]:
    ticket = bar.join("Ana")
    token, board, venue = ticket.token, bar.board, f"/venues/{bar.venue_id}"
    return [
        *("/", "/register", "/forgot", "/verify?token=x", "/reset?token=x", "/venues/new"),
        *(f"{venue}/queues/new", f"{venue}/settings", f"{board}/tickets/{ticket.id}/change"),
        *(board, f"{board}/live", f"{board}/close", f"{board}/settings"),
        *(f"/t/{token}", "/t/unknown", "/q/DEMO", "/q/unknown", "/display/DEMO", "/display/DEMO/live"),
    ]


@pytest.mark.parametrize("host", ["a..b", "x" * 64 + ".example.com"])
def test_what_is_no_hosts_name_is_refused(visitor: Visitor, host: str) -> None:
    for path in ("/", "/q/DEMO", "/healthz", "/api/v1/venues"):
        assert visitor.look(path, Host=host).status_code == 400


def test_no_page_lets_in_foreign_scripts_or_frames(bar: Bar, ann: Visitor) -> None:
    for path in paths(bar):
        answer = ann.look(path)
        policy = answer.headers["Content-Security-Policy"]
        assert "script-src 'self'" in policy
        assert "frame-ancestors 'none'" in policy
        assert "unsafe" not in policy
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert "private" in answer.headers["Cache-Control"]
        assert not re.search(r"<script(?![^>]*src=)|\son\w+=|\sstyle=|<style|javascript:", answer.text), path


def test_every_file_of_a_page_may_be_kept_for_ever(bar: Bar, ann: Visitor) -> None:
    files = {file for path in paths(bar) for file in re.findall(r'(?:src|href)="(/assets/[^"]*)"', ann.look(path).text)}

    assert {file.rpartition("/")[2] for file in files} == {"pages.css", "htmx.js", "live.js", "icon.svg"}
    for file in files:
        answer = ann.look(file)
        assert answer.status_code == 200
        assert "immutable" in answer.headers["Cache-Control"]
    assert ann.look("/assets/000000000000/pages.css").status_code == 404


def test_what_is_live_asks_every_two_seconds(bar: Bar, ann: Visitor) -> None:
    for path in (bar.board, f"/t/{bar.join('Ana').token}", "/display/DEMO"):
        assert 'hx-trigger="every 2s"' in ann.look(path).text


@pytest.mark.parametrize("path", ["/queues/unknown", "/queues/unknown/settings", "/venues/unknown/queues/new"])
def test_what_is_not_there_gets_a_page_that_says_so(ann: Visitor, path: str) -> None:
    answer = ann.get(path)

    assert answer.status_code == 404
    assert "That is not there any more, or it is not yours." in answer.text


@pytest.mark.parametrize("path", ["/log-in", "/venues/new", "/queues/x/call-next"])
def test_a_form_too_large_gets_a_page_that_says_so(ann: Visitor, path: str) -> None:
    answer = ann.send(path, {"csrf_token": "x", "name": "x" * 100_000})

    assert answer.status_code == 413
    assert "That was too long" in answer.text


@pytest.mark.parametrize(
    ("language", "words"),
    [("en", "There is no such page"), ("pt-BR,pt", "Esta página não existe"), ("es-MX", "Esta página no existe")],
)
def test_an_address_of_nothing_gets_a_page_in_the_browsers_language(
    visitor: Visitor, language: str, words: str
) -> None:
    answer = visitor.look("/zzz", **{"Accept-Language": language})

    assert answer.status_code == 404
    assert words in answer.text
    assert "pages.css" in answer.text
    assert "script-src 'self'" in answer.headers["Content-Security-Policy"]
    assert answer.headers["Cache-Control"] == "private, no-store"


def test_staff_who_went_astray_find_back(ann: Visitor, bar: Bar) -> None:
    assert 'href="/"' in ann.get("/zzz").text
    assert 'href="/"' not in Visitor(bar).get("/zzz").text


def test_a_page_asked_for_in_the_wrong_way_says_which_is_right(visitor: Visitor) -> None:
    answer = visitor.look("/log-in")

    assert answer.status_code == 405
    assert "POST" in answer.headers["Allow"]
    assert "That can’t be done here" in answer.text


@pytest.mark.parametrize("path", ["/", "/t/token", "/q/DEMO"])
def test_what_nobody_expected_gets_a_page_that_tells_nothing_of_its_cause(
    bar: Bar, visitor: Visitor, path: str
) -> None:
    broken: Any = None
    bar.app.extensions["services"] = replace(bar.services, records=broken, accounts=broken)

    answer = visitor.look(path)

    assert answer.status_code == 500
    assert "Something went wrong on our side" in answer.text
    assert "NoneType" not in answer.text


def test_the_api_answers_programs_what_pages_answer_people(visitor: Visitor) -> None:
    for path in ("/api/v1/zzz", "/api/v1/login"):
        answer = visitor.look(path)
        assert answer.status_code in (404, 405)
        assert answer.mimetype == "application/problem+json"


def test_without_the_database_every_page_says_that_nothing_was_changed(bar: Bar, ann: Visitor) -> None:
    away = Records(open_engine("mysql+pymysql://nobody@127.0.0.1:1/nothing"), bar.records.clock)
    accounts = AccountService(SqlAccountStore(away), lambda *_: None, bar.services.public_url)
    bar.app.extensions["services"] = replace(bar.services, records=away, accounts=accounts)

    for path, words in (
        (bar.board, "so nothing was changed"),
        ("/", "so nothing was changed"),
        ("/t/token", "A place that you hold is safe."),
        ("/q/DEMO", "This page tries again by itself."),
        ("/display/DEMO/live", "This page tries again by itself."),
    ):
        answer = ann.look(path)
        assert answer.status_code == 503
        assert words in answer.text
        assert answer.headers["Content-Security-Policy"]
        assert answer.headers["Retry-After"] == "5"


def test_while_dynamodb_is_away_staff_are_told_so_and_stay_logged_in(bar: Bar, ann: Visitor) -> None:
    store = DynamoAccountStore("c", "p", bar.records.clock, dynamodb_at(f"http://127.0.0.1:{free_port()}"))
    away = AccountService(store, lambda *_: None, bar.services.public_url)
    bar.app.extensions["services"] = replace(bar.services, accounts=away)

    answers = [ann.look(path) for path in ("/", bar.board, f"{bar.board}/live")]
    for page, action in (("/", "/log-in"), ("/verify?token=x", "/verify"), ("/reset?token=x", "/reset")):
        stranger = Visitor(bar)
        stranger.get(page)
        answers.append(stranger.press(action, email="ann@example.com", password="a good password"))

    for answer in answers:
        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
        assert "The database does not answer, so nothing was changed." in answer.text
    bar.app.extensions["services"] = bar.services
    assert ann.look(bar.board).status_code == 200


@pytest.mark.parametrize("path", CATALOGUES, ids=lambda path: path.parts[-3])
def test_every_sentence_is_in_every_language(path: Path) -> None:
    extracted = extract_from_dir(WEB, [("templates/**.html", "jinja2"), ("**.py", "python")])
    wanted = {message for _file, _line, message, _comments, _context in extracted}
    with path.open("rb") as file:
        catalogue = [message for message in read_po(file) if message.id]

    assert {message.id for message in catalogue} == wanted
    for message in catalogue:
        strings = message.string if isinstance(message.string, tuple) else (message.string,)
        assert all(strings), message.id
        assert not message.fuzzy, message.id
        for string in strings:
            first = message.id[0] if isinstance(message.id, tuple) else message.id
            assert places(str(string)) == places(str(first)), message.id


def test_there_are_catalogues_for_the_languages_that_we_speak() -> None:
    assert [path.parts[-3] for path in CATALOGUES] == ["es", "pt_BR"]


def places(sentence: str) -> set[str]:
    """What is filled in."""
    return set(re.findall(r"%\(\w+\)s", sentence))
