"""What the shapes of the API's requests and answers have in common."""

from threading import RLock
from typing import Any

from pydantic import BaseModel, ConfigDict

BUILDING = RLock()


class Model(BaseModel):
    """A shape that pydantic builds when it is first used: of all of them, a request needs a few."""

    model_config = ConfigDict(defer_build=True)

    @classmethod
    def model_rebuild(cls, **options: Any) -> bool | None:
        """Build it, as pydantic does at the first use; one thread at a time, which pydantic leaves to us."""
        with BUILDING:
            return super().model_rebuild(**options)
