"""larder for Python: a cache that a policy file drives, inside this process.

    kernel = larder.use(larder.Kernel("hotel.larder"))

    @larder.cached("user_details")
    async def find_user(user_id: str): ...

    @larder.invalidates("user_details:*")
    async def update_user(user_id: str, changes: dict): ...

Also: larder.asgi.Middleware, larder.testing (a pytest plugin), larder.compat (the names of other cache modules)."""
from ._larder import Error, version as __version__
from .functions import cached, call_key, default, invalidates, use
from .kernel import DROP, EXPIRE, KEEP_LIFE, ONLY_NEW, ONLY_OVER, REFRESH, Kernel, decode, encode
from .keys import digest, key

__all__ = ["DROP", "EXPIRE", "Error", "KEEP_LIFE", "Kernel", "ONLY_NEW", "ONLY_OVER", "REFRESH", "cached", "call_key", "decode",
           "default", "digest", "encode", "invalidates", "key", "use"]
