"""Where the server listens, and how programs on this machine reach it."""

from core.settings import Settings

LOOPBACK = "127.0.0.1"
# These listen on 127.0.0.1 already.
INCLUDE_LOOPBACK = (LOOPBACK, "localhost", "0.0.0.0")  # noqa: S104 - only where the operator asks for it


def hosts(settings: Settings) -> tuple[str, ...]:
    """The addresses to listen on: what is set, and always the loopback, where the simulator and the worker call."""
    return (settings.host,) if settings.host in INCLUDE_LOOPBACK else (settings.host, LOOPBACK)


def base_url(settings: Settings) -> str:
    """The server, seen from this machine."""
    return f"http://{LOOPBACK}:{settings.port}"


def simulator_url(settings: Settings) -> str:
    """The simulator and its carriers' endpoints, seen from this machine."""
    return f"{base_url(settings)}/simulator"
