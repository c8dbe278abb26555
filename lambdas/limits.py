"""Where it is counted how often somebody has tried something: in Redis, for all containers."""

from functools import cache

from limits.storage import RedisStorage

from lambdas.wiring import parts


@cache
def counter() -> RedisStorage:
    """The container's own, on the connection that it has anyway. Raises SettingsError."""
    here = parts()
    return RedisStorage(here.redis_url, wrap_exceptions=True, connection_pool=here.redis.connection_pool)
