"""Pages: what the control API shows in a browser. Never changes anything.

They are a separate Flask app, which is imported when the first page is opened. It runs in the server's worker room,
so nothing here may touch a foundation.
"""

from functools import cache

import flask
from werkzeug.test import Client

from mockfoundry.control.context import make_control_response
from mockfoundry.exchange.response import Response
from mockfoundry.exchange.run import Service
from mockfoundry.version import __version__

START_PAGE = """\
<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>mockfoundry</title>
<style>body {font: 1rem/1.5 system-ui, sans-serif; max-width: 45rem; margin: 2rem auto; padding: 0 1rem}</style>
<h1>mockfoundry {{ version }}</h1>
<p>It plays {{ title }} {{ contract_version }}: {{ operations }} operations, below <code>{{ base_url }}/</code>.
This is its control API, by which a test asks the mock itself.</p>
<ul>
<li><a href="/__mock/health">health</a>: whether it is ready, and what it serves</li>
<li><a href="/__mock/foundations">foundations</a>: those there are</li>
<li><a href="/__mock/scenarios">scenarios</a>: the failures that can be switched on by name</li>
<li><a href="/__mock/coverage">coverage</a>: which documented answers clients have met</li>
<li><a href="/__mock/openapi.yaml">openapi.yaml</a>: every call of the control API</li>
<li><a href="/__mock/contract.yaml">contract.yaml</a>: the contract that is served</li>
{% if has_platform %}<li><a href="/__mock/platform.yaml">platform.yaml</a>: the platform around it</li>
{% endif %}</ul>
<p>On a command line, <code>mockfoundry --help</code> lists what asks this server.</p>
</html>
"""


SERVICE_KEY = "mockfoundry.service"
"""The key in a WSGI environment of the service that a page is about."""


@cache
def build_page_app() -> flask.Flask:
    """The pages as a Flask app, made once."""
    app = flask.Flask("mockfoundry", static_folder=None)
    app.add_url_rule("/__mock/", view_func=show_start_page)
    return app


def show_start_page() -> str:
    service = flask.request.environ[SERVICE_KEY]
    contract = service.contract
    return flask.render_template_string(
        START_PAGE,
        version=__version__,
        title=contract.title,
        contract_version=contract.version,
        operations=len(contract.plans),
        has_platform=service.platform is not None,
        base_url=flask.request.host_url.rstrip("/"),
    )


def render_page(service: Service, path: str, base_url: str) -> Response:
    """A page as a door sends it."""
    answer = Client(build_page_app()).get(path, base_url=base_url, environ_overrides={SERVICE_KEY: service})
    return make_control_response(answer.status_code, answer.get_data(), answer.content_type or "")
