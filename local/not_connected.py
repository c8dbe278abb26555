"""A carrier that has neither credentials nor the simulator in its place."""

from bots.channels import Outgoing, Refused


class NotConnected:
    """Sends nothing: staff see at once that the guest is not reached.

    `names` are the settings that would connect the carrier.
    """

    def __init__(self, names: str) -> None:
        self._names = names

    def send(self, outgoing: Outgoing) -> str:
        """Raises Refused."""
        raise Refused("not-connected", f"There is nothing to send on {outgoing.channel}: set {self._names}.")
