"""The start screen: what a server says of itself when it listens, with a first call that works. Never starts one."""

import re
import shlex
import socket
import time
from collections.abc import Iterator, Mapping
from itertools import chain, count
from pathlib import Path
from typing import TYPE_CHECKING

from mockfoundry.documents.files import shorten_path
from mockfoundry.documents.problems import find_near_word
from mockfoundry.documents.quoting import quote_line
from mockfoundry.options import ANY_ADDRESSES, ServerOptions, iterate_options
from mockfoundry.version import __version__

if TYPE_CHECKING:
    from mockfoundry.cloudfoundry.world import World
    from mockfoundry.contract.load import Contract
    from mockfoundry.exchange.run import Service
    from mockfoundry.foundations.shards import Shard

LOOPBACK_PREFIXES = ("127.", "::1", "localhost")

ADMIN_TOKENS = {"admin": "any unknown token", "refused": "the token admin"}
"""What makes a client an admin, by the setting `unknown_users`."""

PREFIX = "MOCKFOUNDRY_"

CLIENT_VARIABLES = frozenset(
    f"{PREFIX}{name}" for name in ("URL", "TOKEN", "CONTROL_TOKEN", "FOUNDATION", "USER", "COMMAND", "CONFIG")
)
"""What commands and clients read besides the options of a server."""

CONTAINER_FILES = (Path("/.dockerenv"), Path("/run/.containerenv"))
"""What Docker and Podman put into each container."""

# What Kubernetes sets for a service that is called mockfoundry.
_SERVICE_LINK = re.compile(r"MOCKFOUNDRY_(SERVICE_HOST|SERVICE_PORT.*|PORT_\d+_.*)")


def is_in_container(environment: Mapping[str, str]) -> bool:
    """Whether this process runs in a container, as far as can be known."""
    variables = ("container", "KUBERNETES_SERVICE_HOST")
    return any(environment.get(name) for name in variables) or any(file.exists() for file in CONTAINER_FILES)


def find_unread_variables(environment: Mapping[str, str]) -> Iterator[str]:
    """A sentence for each variable that looks like an option of the server, and is none."""
    known = CLIENT_VARIABLES | {option.environment_variable for option in iterate_options()}
    for name in sorted(environment):
        if name.startswith(PREFIX) and name not in known and not _SERVICE_LINK.fullmatch(name):
            near = find_near_word(name.removeprefix(PREFIX), {each.removeprefix(PREFIX) for each in known})
            mend = f"did you mean {PREFIX}{near}?" if near else "mockfoundry serve --help names all"
            yield f"{name} is not read: {mend}"


def render_start_screen(
    service: "Service",
    url: str,
    options: ServerOptions,
    in_container: bool = False,
    authority: str = "",
    configuration: str = "",
) -> str:
    """What is printed once the server listens.

    Args:
        authority: the file of the throw-away authority that clients have to trust; empty for none.
        configuration: the file that options came from; empty for none.
    """
    from mockfoundry.foundations.registry import DEFAULT_FOUNDATION

    contract = service.contract
    registry = service.registry
    # Where foundations are kept, whoever is asked for one first makes it: another process may have this one.
    is_here = service.keeper is None and registry.owns(DEFAULT_FOUNDATION)
    world = (
        registry.get_or_create(DEFAULT_FOUNDATION, time.time_ns() // 1000).world if is_here else registry.initial_world
    )
    counts = (
        (len(world.organizations), "organization", "organizations"),
        (len(world.spaces), "space", "spaces"),
        (len(world.apps), "app", "apps"),
        (len(world.processes), "process", "processes"),
    )
    held = ", ".join(f"{count} {one if count == 1 else many}" for count, one, many in counts)
    url = reachable_url(url, options.host)
    lines = [
        f"mockfoundry {__version__}",
        "",
        f"  URL         {url}",
        f"  console     {describe_console(url, options)}",
        *(
            [f"  options     {shorten_path(configuration)}, where no flag or variable says otherwise"]
            if configuration
            else []
        ),
        f"  mode        {options.mode}{describe_strictness(options)}",
        f"  contract    {contract.title} {contract.version}, {len(contract.plans)} operations",
        *render_platform(service),
        f"  seed        {describe_seed(options)}, random seed {options.random_seed}",
        f"  foundation  {DEFAULT_FOUNDATION if is_here else 'each new one'}: {held}",
        *([] if registry.shard is None else [f"  shard       {registry.shard}"]),
        *([] if service.keeper is None else [f"  store       {service.keeper.store.address}"]),
        f"  scenarios   {describe_scenarios(options)}",
        *(["  watched     its files are read anew when they change"] if options.watch else []),
        "",
    ]
    program = f"curl --cacert {shlex.quote(authority)}" if authority else "curl"
    program += " --cert CLIENT.pem" if options.tls_client_ca else ""
    called = find_callable_name(registry.shard)
    lines += [*(f"  {line}" for line in render_first_call(contract, world, url, options, program, called)), ""]
    lines += [f"  {line}".rstrip() for line in render_trust(authority)]
    if options.tls_client_ca:
        lines += [f"  Clients show a certificate, here CLIENT.pem, by {quote_line(options.tls_client_ca)}.", ""]
    reach = [f"  {line}" for line in describe_reach(url, options, in_container)]
    if not options.host.startswith(LOOPBACK_PREFIXES):
        admins = "" if options.strict_auth else f"; {ADMIN_TOKENS[world.settings.unknown_users]} is an admin here"
        reach.append(f"  This address can be reached from other machines{admins}.")
    return "\n".join([*lines, *reach, *([""] if reach else []), "  Ctrl-C ends it."])


def reachable_url(url: str, host: str) -> str:
    """The URL by which this machine reaches a server that listens on all its addresses."""
    if host not in ANY_ADDRESSES:
        return url
    return url.replace("//0.0.0.0:", "//127.0.0.1:").replace("//[::]:", "//[::1]:")


def describe_strictness(options: ServerOptions) -> str:
    """What is refused besides what the real Cloud Controller refuses."""
    told = []
    if options.strict:
        told.append("--strict: what the contract does not allow is refused")
    if options.strict_auth:
        told.append("--strict-auth: only minted tokens and names of seeded users count")
    return "".join(f"; {each}" for each in told)


def describe_console(url: str, options: ServerOptions) -> str:
    from mockfoundry.exchange.request import CONTROL_PATH

    return f"{url}{CONTROL_PATH}/console{', which asks for the control token' if options.control_token else ''}"


def describe_scenarios(options: ServerOptions) -> str:
    """What is on; foundations that a store has kept may have others on than new ones."""
    named = ", ".join(shorten_path(str(each)) for each in options.scenarios)
    if options.store is None:
        return named or "none (mockfoundry scenarios lists them)"
    return f"{named or 'none'} in new foundations; those that are kept have their own"


def describe_seed(options: ServerOptions) -> str:
    if options.seed is None:
        return "one small app"
    return shorten_path(options.seed) if isinstance(options.seed, str) else options.seed.source


def describe_reach(url: str, options: ServerOptions, in_container: bool) -> Iterator[str]:
    """How clients elsewhere reach the server."""
    scheme, port = url.partition(":")[0], url.rpartition(":")[2]
    if not in_container:
        if options.host in ANY_ADDRESSES:
            yield f"From other machines: {scheme}://{socket.gethostname()}:{port}"
        return
    if options.host.startswith(LOOPBACK_PREFIXES):
        yield f"This is a container, and {options.host} is reached from inside it alone; --host 0.0.0.0 opens it."
        return
    yield f"This is a container. From others of its network: {scheme}://{socket.gethostname()}:{port}, or by its name."
    yield f"From outside: the port that is published for it, as by -p {port}:{port}."


def render_platform(service: "Service") -> list[str]:
    """The line about what is played around the contract."""
    platform = service.platform
    if platform is None:
        return []
    return [f"  platform    {platform.title} {platform.version}, {len(platform.plans)} operations"]


def render_trust(authority: str) -> Iterator[str]:
    """How each client is told to trust a throw-away authority, whose certificate is in this file; empty for none."""
    if not authority:
        return
    file = shlex.quote(authority)
    store = "-storepass changeit -keystore mockfoundry.p12"
    yield f"Clients trust it by its authority's certificate, {quote_line(authority)}:"
    yield f"  curl             curl --cacert {file}"
    yield f"  Python, Go, cf   export SSL_CERT_FILE={file}; for requests REQUESTS_CA_BUNDLE"
    yield f"  Node             export NODE_EXTRA_CA_CERTS={file}"
    yield f"  Java             keytool -importcert -noprompt -alias mockfoundry {store} -file {file}"
    yield "                   then java -Djavax.net.ssl.trustStore=mockfoundry.p12"
    yield ""


def find_callable_name(shard: "Shard | None") -> str:
    """The name of a foundation that a server has, or may have: the default one where that is among them."""
    from mockfoundry.foundations.registry import DEFAULT_FOUNDATION

    names = chain([DEFAULT_FOUNDATION], (f"ci-{number}" for number in count(1)))
    return next(name for name in names if shard is None or shard.has(name))


def render_first_call(
    contract: "Contract", world: "World", url: str, options: ServerOptions, program: str, name: str
) -> list[str]:
    """The lines that show a first call: a scale, or a read that needs nothing where there is nothing to scale.

    Args:
        name: of the foundation that is called.
    """
    from mockfoundry.foundations.registry import DEFAULT_FOUNDATION

    api = url if name == DEFAULT_FOUNDATION else f"{url}/foundations/{name}"
    guid = next((process.guid for process in world.processes.values() if process.type == "web"), None)
    if guid is not None and "scaleProcess" in contract.plans:
        return render_call(
            f"-X POST {api}/v3/processes/{guid}/actions/scale \\\n ",
            "-H 'Content-Type: application/json' -d '{\"instances\": 3}'",
            url,
            options,
            program,
            name,
        )
    readable = (plan.path for plan in contract.plans.values() if plan.method == "GET" and "{" not in plan.path)
    path = next(readable, None)
    if path is None:
        return ["Try it", "  mockfoundry operations lists what it answers"]
    return render_call(f"{api}{path}", "", url, options, program, name)


def render_call(target: str, rest: str, url: str, options: ServerOptions, program: str, name: str) -> list[str]:
    """The lines of a call by curl; where no token is known beforehand, they have one minted.

    Args:
        url: of the server.
        name: of the foundation that is called.
    """
    lines, token = ["Try it"], "admin"
    if options.strict_auth:
        control_token = " -H 'X-Mock-Control-Token: CONTROL_TOKEN'" if options.control_token else ""
        lines += [
            f"  TOKEN=$({program} -s -X POST{control_token} {url}/__mock/foundations/{name}/tokens \\",
            '    | sed \'s/.*"access_token":"\\([^"]*\\).*/\\1/\')',
        ]
        token = "$TOKEN"  # noqa: S105 (the shell's variable)
    call = f'{program} -i {target} -H "Authorization: bearer {token}" {rest}'.rstrip()
    return [*lines, *(f"  {line}" for line in call.split("\n"))]
