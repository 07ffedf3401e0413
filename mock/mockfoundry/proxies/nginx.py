"""nginx's configuration for a number of shards. Never starts nginx.

nginx finds the name of a request's foundation where mockfoundry finds it, in the same order, and its `split_clients`
has the hash by which mockfoundry gives names to shards.
"""

from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlsplit

from mockfoundry.cloudfoundry.tokens import FOUNDATION_CLAIM
from mockfoundry.foundations.registry import DEFAULT_FOUNDATION
from mockfoundry.foundations.shards import SLOTS, assign_slots

TOKEN_SCRIPT = f"""\
// Which foundation a token is of, by its claim. Only to find the shard: whether the token counts, mockfoundry says.
function foundation(request) {{
    const parts = (request.headersIn.Authorization || "").split(".");
    if (parts.length !== 3) return "";
    try {{
        const claims = JSON.parse(Buffer.from(parts[1], "base64url").toString());
        return typeof claims.{FOUNDATION_CLAIM} === "string" ? claims.{FOUNDATION_CLAIM} : "";
    }} catch (error) {{
        return "";
    }}
}}

export default {{ foundation }};
"""
"""What nginx's JavaScript module (njs) runs."""


def write_nginx_configuration(
    shards: Sequence[str],
    listen: Sequence[str] = ("127.0.0.1:8080",),
    *,
    token_script: Path | None = None,
    module: str = "",
    folder: str = "",
) -> str:
    """A whole nginx.conf.

    Args:
        shards: the URLs of the shards, in the order of their numbers, `http://HOST:PORT` or `http://unix:/PATH:`.
        listen: what nginx listens on.
        token_script: the file with TOKEN_SCRIPT; None where nginx can't read tokens.
        module: the file of nginx's JavaScript module, where it is not compiled in.
        folder: for nginx's process id and temporary files; empty for its own.
    """
    slots = assign_slots(len(shards))
    percent = f"{100 // SLOTS}%"
    lines = [
        "# Sends each request to the shard that has its foundation; mockfoundry proxy-config nginx writes this file.",
        *([f"load_module {quote(module)};"] if module else []),
        *([f"pid {quote(f'{folder}/nginx.pid')};", "error_log stderr warn;"] if folder else []),
        "worker_processes auto;",
        "",
        "events {",
        "    worker_connections 8192;",
        "}",
        "",
        "http {",
        "    access_log off;",
        *([f"    {kind}_temp_path {quote(f'{folder}/{kind}')};" for kind in TEMPORARY_KINDS] if folder else []),
        *([f"    js_import mockfoundry from {quote(str(token_script))};"] if token_script else []),
        *(["    js_set $mock_token_foundation mockfoundry.foundation;"] if token_script else []),
        "",
        "    # Which foundation: the path says it, else the header, else the host, else the token.",
        "    map $request_uri $mock_path_foundation {",
        '        "~^/(?:__mock/)?foundations/(?<mock_path_name>[^/?]+)" $mock_path_name;',
        "    }",
        "    # Of a repeated header the first; where they differ, each shard refuses the request.",
        "    map $http_x_mock_foundation $mock_header_foundation {",
        '        "~^(?<mock_header_name>[^,]+)" $mock_header_name;',
        "    }",
        "    map $host $mock_host_foundation {",
        r'        "~^(?<mock_host_name>.+)\.localhost$" $mock_host_name;',
        "    }",
        *write_choice("$mock_by_token", "$mock_token_foundation" if token_script else "", DEFAULT_FOUNDATION),
        *write_choice("$mock_by_host", "$mock_host_foundation", "$mock_by_token"),
        *write_choice("$mock_by_header", "$mock_header_foundation", "$mock_by_host"),
        *write_choice("$mock_foundation", "$mock_path_foundation", "$mock_by_header"),
        "",
        "    # Whose it is: the hundredth of all hashes that its name's falls into.",
        "    split_clients $mock_foundation $mock_shard {",
        *(f"        {percent} mock_{shard};" for shard in slots[:-1]),
        f"        * mock_{slots[-1]};",
        "    }",
        "",
    ]
    for number, url in enumerate(shards):
        lines += [
            f"    upstream mock_{number} {{",
            f"        server {urlsplit(url).netloc or url.removeprefix('http://')};",
            "        keepalive 64;",
            "    }",
        ]
    lines += [
        "",
        "    server {",
        *(f"        listen {address};" for address in listen),
        *SERVER_LINES,
        "    }",
        "}",
    ]
    return "\n".join(lines) + "\n"


TEMPORARY_KINDS = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")

SERVER_LINES = (
    "        # The shards say what is too large, too slow or malformed.",
    "        client_max_body_size 0;",
    "        client_header_timeout 1h;",
    "        client_body_timeout 1h;",
    "        large_client_header_buffers 8 64k;",
    "        ignore_invalid_headers off;",
    "        keepalive_requests 1000000;",
    "        location / {",
    "            proxy_pass http://$mock_shard;",
    "            # A request is sent once: a repeated one would count twice.",
    "            proxy_next_upstream off;",
    "            proxy_http_version 1.1;",
    '            proxy_set_header Connection "";',
    "            proxy_set_header Host $http_host;",
    "            # Only with --trust-forwarded on the shards do these count.",
    "            proxy_set_header X-Forwarded-Proto $scheme;",
    "            proxy_set_header X-Forwarded-Host $http_host;",
    "            # Each foundation has a clock of its own.",
    "            proxy_pass_header Date;",
    "            proxy_pass_header Server;",
    "            proxy_buffering off;",
    "            proxy_request_buffering off;",
    "            proxy_buffer_size 64k;",
    "            proxy_buffers 8 64k;",
    "            proxy_busy_buffers_size 128k;",
    "            proxy_read_timeout 1h;",
    "            proxy_send_timeout 1h;",
    "        }",
)


def write_choice(name: str, first: str, otherwise: str) -> list[str]:
    """A variable that is the first one, or where that is empty the other."""
    if not first:
        return [f"    map x {name} {{", f"        default {otherwise};", "    }"]
    return [f"    map {first} {name} {{", f"        default {first};", f'        "" {otherwise};', "    }"]


def quote(text: str) -> str:
    """A text as one word of the configuration."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("$", "\\$")
    return f'"{escaped}"'
