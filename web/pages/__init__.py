"""The pages: the staff's backoffice, the guest's own page, the join page and the screen for the room."""

from flask import Flask

from web.languages import clock_time
from web.pages import sessions
from web.pages.accounts import accounts
from web.pages.assets import asset, assets
from web.pages.board import board
from web.pages.display import display
from web.pages.guests import guests
from web.pages.joining import joining
from web.pages.protection import csrf
from web.pages.sessions import signed_in
from web.pages.venues import venues
from web.services import Services


def register_pages(app: Flask, services: Services) -> None:
    """Put the pages on the application, with their sessions, which `services.token_key` signs."""
    sessions.configure(app, services)
    csrf.init_app(app)
    app.jinja_env.globals |= {"asset": asset, "signed_in": signed_in}
    app.jinja_env.filters["clock_time"] = clock_time
    for blueprint in (assets, accounts, venues, board, guests, joining, display):
        app.register_blueprint(blueprint)
