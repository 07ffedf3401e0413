"""`mockfoundry proxy-config`: writes what nginx or Envoy needs to send each request to its shard. Never starts one."""

import re
from pathlib import Path

import click

from mockfoundry.cli.errors import fail
from mockfoundry.cli.printing import print_text
from mockfoundry.option_values import HOST_PATTERN, MOST_SHARDS, parse_peer

MODULE_FILES = (
    Path("/usr/lib/nginx/modules/ngx_http_js_module.so"),
    Path("/usr/lib64/nginx/modules/ngx_http_js_module.so"),
    Path("/etc/nginx/modules/ngx_http_js_module.so"),
)
"""Where packages put nginx's JavaScript module."""


@click.command("proxy-config")
@click.argument("proxy", type=click.Choice(["nginx", "envoy"]))
@click.argument("urls", nargs=-1, required=True, metavar="URL...")
@click.option("--listen", default="127.0.0.1:8080", show_default=True, help="Address and port to listen on.")
@click.option(
    "--token-script",
    type=click.Path(path_type=Path, dir_okay=False),
    default=None,
    help="With nginx: where the script is written by which it reads tokens; it needs nginx's JavaScript module (njs).",
)
def proxy_config(proxy: str, urls: tuple[str, ...], listen: str, token_script: Path | None) -> None:
    """Print the configuration of a proxy for shards.

    URL: of each shard, in the order of their numbers, as http://mock-0.mock:8080. The shards are started with
    --shard 0/COUNT, 1/COUNT, and so on.
    """
    try:
        shards = [parse_peer(url) for url in urls]
    except ValueError as error:
        fail(str(error))
    if len(shards) > MOST_SHARDS:
        fail(f"there are {len(shards)} shards; {MOST_SHARDS} are the most, start fewer")
    if any(url.startswith("https:") for url in shards):
        fail("a shard's URL begins with https; the proxy speaks TLS with clients, and plain HTTP with the shards")
    host, _, port = listen.rpartition(":")
    if re.fullmatch(rf"{HOST_PATTERN}:[0-9]{{1,5}}", listen) is None or int(port) not in range(1, 65_536):
        fail(f"--listen: {listen!r} is no address; write it as 127.0.0.1:8080")
    if proxy == "envoy":
        from mockfoundry.proxies.envoy import write_envoy_configuration

        if token_script is not None:
            fail("--token-script is nginx's; Envoy's configuration reads tokens by itself, leave it out")
        print_text(write_envoy_configuration(shards, host.strip("[]"), int(port)).rstrip("\n"))
        return
    from mockfoundry.proxies.nginx import TOKEN_SCRIPT, write_nginx_configuration

    module = ""
    if token_script is not None:
        try:
            token_script.write_text(TOKEN_SCRIPT)
        except OSError as error:
            fail(f"--token-script: {token_script}: can't be written: {error.strerror or error}")
        token_script, module = token_script.absolute(), find_nginx_module()
    print_text(write_nginx_configuration(shards, (listen,), token_script=token_script, module=module).rstrip("\n"))


def find_nginx_module() -> str:
    """The file of nginx's JavaScript module; empty where packages have put none."""
    return next((str(file) for file in MODULE_FILES if file.exists()), "")
