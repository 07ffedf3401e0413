"""Handshakes: what a scenario makes of a handshake of TLS, before there is a request. Never touches a socket."""

from contextlib import suppress

from mockfoundry.cloudfoundry.errors import Refusal
from mockfoundry.exchange.context import Service
from mockfoundry.foundations.addressing import parse_address
from mockfoundry.foundations.registry import SnapshotWantedError
from mockfoundry.scenarios.engine import HandshakeMatch, match_handshake
from mockfoundry.scenarios.model import Scenario
from mockfoundry.wire_faults import TLS_FAULTS, TlsFaultName


def decide_handshake(service: Service, server_name: str, real_time: int) -> HandshakeMatch | None:
    """What a scenario makes of the next handshake, which is counted; None where it goes its ordinary way.

    Its foundation is the one that the host names, else the default one, as for a request. It is not made for that,
    unless foundations begin with a scenario about handshakes.

    Args:
        server_name: the host that the client asks for; empty where it names none.
        real_time: microseconds of the machine's clock.
    """
    registry, name = service.registry, parse_address("", None, server_name.encode("latin-1")).name
    foundation = None
    # A handshake does not wait for the store: the first request reads what is kept there.
    with suppress(Refusal, SnapshotWantedError):
        foundation = registry.find_active(name, real_time)
        if foundation is None and registry.initial_scenarios.tls:
            foundation = registry.get_or_create(name, real_time)
    if foundation is None or not foundation.compiled_scenarios.tls:
        return None
    return match_handshake(foundation.compiled_scenarios, foundation.progress, foundation.world.clock.now(real_time))


def list_tls_faults(own_authority: bool) -> tuple[TlsFaultName, ...]:
    """The faults that a server which speaks TLS can play.

    Args:
        own_authority: whether it can sign certificates.
    """
    return tuple(name for name, fault in TLS_FAULTS.items() if own_authority or not fault.needs_authority)


def explain_unplayable_tls(scenario: Scenario, playable: tuple[TlsFaultName, ...]) -> str:
    """Why a server can't break handshakes as a scenario wants, with the mend; empty where it can.

    Args:
        playable: the faults that it can play.
    """
    if scenario.tls is None or scenario.tls.fault in playable:
        return ""
    if not playable:
        return "this server speaks no TLS, so it has no handshake to break; start it with --tls"
    return (
        f"fault is {scenario.tls.fault}, for which the server must sign a certificate; "
        "start it with --tls in place of --tls-cert"
    )
