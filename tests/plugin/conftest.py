"""Fixtures of the plugin's tests: test files of a user, run by a pytest of their own."""

from collections.abc import Callable, Iterator

# pytester forgets what is imported while its tests run, and classes of these would then be there twice.
import cryptography.x509
import httpcore
import pytest
import trustme

from tests.serving import Serving, serving

IMPORTED_ONCE = (cryptography.x509, httpcore, trustme)

SCALING = """
import httpx

WEB = "6a901b7c-9417-4dc1-8189-d3234aa0ab82"


def scale(foundation, instances, token="admin"):
    return httpx.post(
        f"{foundation.url}/v3/processes/{WEB}/actions/scale",
        json={"instances": instances},
        headers={"Authorization": f"bearer {token}"},
        verify=False,
    )
"""
"""A client, as users have one; it repeats nothing, and reads no certificates, which takes as long as a test."""

PLUGINS = {"hypothesis": "hypothesispytest", "anyio": "anyio", "-n": "xdist", "schemathesis": "schemathesis"}
"""What a test or its arguments have in them that needs a plugin, and the plugin's name."""


def plugins_without_use(text: str, arguments: tuple[str, ...] = ()) -> list[str]:
    """Arguments that leave out what pytest would load and never use; Hypothesis takes longer to load than all else."""
    used = " ".join((text, *arguments))
    return [each for word, plugin in PLUGINS.items() if word not in used for each in ("-p", f"no:{plugin}")]


Run = Callable[..., pytest.RunResult]


@pytest.fixture
def run(pytester: pytest.Pytester) -> Run:
    """Runs a user's test file: `run(TEXT, "-n2", file_name=TEXT, …)`."""
    pytester.makepyfile(scaling=SCALING)
    pytester.makeini("[pytest]\naddopts = --import-mode=importlib -p no:cacheprovider\npythonpath = .\n")

    def run(text: str, *arguments: str) -> pytest.RunResult:
        pytester.makepyfile(test_theirs=f"import httpx, pytest\nfrom scaling import WEB, scale\n\n{text}")
        unused = plugins_without_use(text, arguments)
        return pytester.runpytest_subprocess("-W", "error", *unused, *arguments, timeout=600)

    return run


@pytest.fixture(scope="session")
def elsewhere() -> Iterator[Serving]:
    """A server that runs already; each test of a user has a foundation of its own there too."""
    with serving() as server:
        yield server


@pytest.fixture
def run_there(run: Run, elsewhere: Serving) -> Run:
    """Runs a user's test file against a server that runs already: a start takes longer than most tests."""
    return lambda text, *arguments: run(text, "--mock-url", elsewhere.url, *arguments)
