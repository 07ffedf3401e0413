"""Shards for tests: several servers of this process, with a share each."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from mockfoundry.assembly import build_service
from mockfoundry.foundations.shards import find_shard
from mockfoundry.options import ServerOptions
from mockfoundry.server.run import BackgroundServer
from tests.serving import real_now


@contextmanager
def running_shards(count: int, **options: object) -> Iterator[list[str]]:
    """The URLs of so many shards, in the order of their numbers."""
    with ExitStack() as stack:
        urls = []
        for number in range(count):
            asked = ServerOptions(shard=(number, count), **options)  # type: ignore[arg-type]
            urls.append(stack.enter_context(BackgroundServer(build_service(asked, real_now()), asked)).url)
        yield urls


def name_on(shard: int, count: int) -> str:
    """A name of a foundation that is on a shard."""
    return next(name for number in range(10_000) if find_shard(name := f"ci-{number}", count) == shard)
