"""Where the server listens, and how programs on this machine reach it."""

from core.settings import Settings

LOOPBACK = "127.0.0.1"
EVERYWHERE, EVERYWHERE_IPV6 = "0.0.0.0", "::"  # noqa: S104 - only where the operator asks for it


def hosts(settings: Settings) -> tuple[str, ...]:
    """The addresses to listen on: what is set, and always the loopback, where the simulator and the worker call."""
    if settings.host == EVERYWHERE:
        return (EVERYWHERE,)
    return (settings.host, EVERYWHERE if settings.host == EVERYWHERE_IPV6 else LOOPBACK)


def base_url(settings: Settings) -> str:
    """The server, seen from this machine."""
    return f"http://{LOOPBACK}:{settings.port}"


def simulator_url(settings: Settings) -> str:
    """The simulator and its carriers' endpoints, seen from this machine."""
    return f"{base_url(settings)}/simulator"
