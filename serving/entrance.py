"""The entrance: where the service is, its keys, and calls that work when pasted."""

from collections.abc import Iterator

from domain.settings import Settings
from serving.demo_visitor import is_on
from serving.keys import read_keys
from serving.samples import sample_calls


def entrance(settings: Settings) -> Iterator[str]:
    """Yield what somebody needs who has just started the service, in lines."""
    url, found = f"http://{settings.host}:{settings.port}", read_keys(settings.home)
    yield f"\nThe service runs at {url} (API pages: {url}/docs); `make stop` ends it."
    if is_on(settings, settings.host):
        yield f"A shop that shows what is known of you: {url}/demo"
    yield f"public key  {found.write_key}\nsecret key  {found.secret_key}\n\nTry:"
    yield from sample_calls(settings, url)
