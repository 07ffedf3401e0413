"""Envoy's configuration for a number of shards. Never starts Envoy.

Envoy's own hashes depend on the addresses of the shards, so a Lua filter finds the shard as mockfoundry does. It reads
the token's claim, too: Envoy's JWT filter would need the key and go by the machine's clock, and a foundation has its
own.
"""

from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

import yaml

from mockfoundry.cloudfoundry.tokens import FOUNDATION_CLAIM
from mockfoundry.foundations.registry import DEFAULT_FOUNDATION
from mockfoundry.foundations.shards import SLOT_ENDS, SLOTS, assign_slots

SHARD_HEADER = "x-mock-shard"
EXTENSIONS = "type.googleapis.com/envoy.extensions"

FILTER_SCRIPT = """\
local shards = { %(shards)s }
local ends = { %(ends)s }

local function multiply(left, right)
  local high, low = math.floor(left / 65536), left %% 65536
  return ((high * right) %% 65536 * 65536 + low * right) %% 4294967296
end

local function xor(left, right)
  return bit.bxor(left, right) %% 4294967296
end

local function hash(text)
  local digest, at = #text, 1
  while at + 3 <= #text do
    local a, b, c, d = text:byte(at, at + 3)
    local word = multiply(a + b * 256 + c * 65536 + d * 16777216, 0x5bd1e995)
    word = multiply(xor(word, math.floor(word / 16777216)), 0x5bd1e995)
    digest = xor(multiply(digest, 0x5bd1e995), word)
    at = at + 4
  end
  if at <= #text then
    local a, b, c = text:byte(at, #text)
    digest = multiply(xor(digest, a + (b or 0) * 256 + (c or 0) * 65536), 0x5bd1e995)
  end
  digest = multiply(xor(digest, math.floor(digest / 8192)), 0x5bd1e995)
  return xor(digest, math.floor(digest / 32768))
end

local signs = {}
for at, sign in ("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"):gmatch("()(.)") do
  signs[sign] = at - 1
end

local function decode(text)
  local bytes, bits, value = {}, 0, 0
  for sign in text:gmatch("[%%w_-]") do
    value, bits = value * 64 + signs[sign], bits + 6
    if bits >= 8 then
      bits = bits - 8
      local unit = 2 ^ bits
      bytes[#bytes + 1] = string.char(math.floor(value / unit))
      value = value %% unit
    end
  end
  return table.concat(bytes)
end

local function of_token(authorization)
  local payload = (authorization or ""):match("^[^.]*%%.([^.]+)%%.[^.]*$")
  return payload and decode(payload):match('"%(claim)s"%%s*:%%s*"([^"]*)"')
end

-- Which foundation: the path says it, else the header, else the host, else the token.
function envoy_on_request(handle)
  local headers = handle:headers()
  local path = headers:get(":path") or ""
  local name = path:match("^/foundations/([^/?]+)") or path:match("^/__mock/foundations/([^/?]+)")
  if not name then
    -- Of a repeated header the first; where they differ, each shard refuses the request.
    name = (headers:get("x-mock-foundation") or ""):match("^[^,]+")
  end
  name = name or (headers:get(":authority") or ""):lower():match("^([^:]+)%%.localhost[:%%d]*$")
  name = name or of_token(headers:get("authorization")) or "%(default)s"
  local digest = hash(name)
  local slot = 1
  while slot < #ends and digest >= ends[slot] do slot = slot + 1 end
  headers:replace("%(header)s", tostring(shards[slot]))
end
"""


def write_envoy_configuration(shards: Sequence[str], address: str = "127.0.0.1", port: int = 8080) -> str:
    """A whole configuration of Envoy, as YAML.

    Args:
        shards: the URLs of the shards, in the order of their numbers, `http://HOST:PORT`.
        address, port: what Envoy listens on.
    """
    script = FILTER_SCRIPT % {
        "shards": ", ".join(map(str, assign_slots(len(shards)))),
        "ends": ", ".join(map(str, SLOT_ENDS)),
        "claim": FOUNDATION_CLAIM,
        "default": DEFAULT_FOUNDATION,
        "header": SHARD_HEADER,
    }
    assert len(SLOT_ENDS) == SLOTS  # noqa: S101 (the filter's tables are of one length)
    routes = [
        {
            "match": {
                "prefix": "/",
                "headers": [{"name": SHARD_HEADER, "string_match": {"exact": str(number)}}],
            },
            # A wait of a scenario may be long, and a request is sent once.
            "route": {"cluster": f"mock_{number}", "timeout": "0s"},
        }
        for number in range(len(shards))
    ]
    filters = [
        {
            "name": "envoy.filters.http.lua",
            "typed_config": {
                "@type": f"{EXTENSIONS}.filters.http.lua.v3.Lua",
                "default_source_code": {"inline_string": script},
            },
        },
        {
            "name": "envoy.filters.http.router",
            "typed_config": {
                "@type": f"{EXTENSIONS}.filters.http.router.v3.Router",
                "suppress_envoy_headers": True,
            },
        },
    ]
    manager = {
        "@type": f"{EXTENSIONS}.filters.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": "mockfoundry",
        # What the shards say passes as it is: their name, dates, ids and paths.
        "server_header_transformation": "PASS_THROUGH",
        "generate_request_id": False,
        "normalize_path": False,
        "stream_idle_timeout": "0s",
        "route_config": {
            "virtual_hosts": [
                {
                    "name": "mockfoundry",
                    "domains": ["*"],
                    "routes": routes,
                    "request_headers_to_remove": [SHARD_HEADER],
                }
            ]
        },
        "http_filters": filters,
    }
    listener = {
        "name": "mockfoundry",
        "address": {"socket_address": {"address": address, "port_value": port}},
        "filter_chains": [
            {
                "filters": [
                    {"name": "envoy.filters.network.http_connection_manager", "typed_config": manager},
                ]
            }
        ],
    }
    clusters = [describe_cluster(number, url) for number, url in enumerate(shards)]
    text = yaml.dump(
        {"static_resources": {"listeners": [listener], "clusters": clusters}},
        Dumper=ReadableDumper,
        sort_keys=False,
        width=1_000,
    )
    return (
        "# Sends each request to the shard that has its foundation; mockfoundry proxy-config envoy writes this file.\n"
        + text
    )


def describe_cluster(number: int, url: str) -> dict[str, Any]:
    """The cluster of one shard."""
    found = urlsplit(url)
    endpoint = {
        "address": {"socket_address": {"address": found.hostname or "127.0.0.1", "port_value": found.port or 80}}
    }
    return {
        "name": f"mock_{number}",
        "type": "STRICT_DNS",
        "connect_timeout": "5s",
        "load_assignment": {
            "cluster_name": f"mock_{number}",
            "endpoints": [{"lb_endpoints": [{"endpoint": endpoint}]}],
        },
    }


class ReadableDumper(yaml.SafeDumper):
    """Writes the filter's script as lines."""


def represent_text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    style = "|" if "\n" in text else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


ReadableDumper.add_representer(str, represent_text)
