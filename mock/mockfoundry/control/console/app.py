"""The console's pages, and the start page: a Flask app that runs in the worker room. Never touches a foundation.

A page is a frame; what is in it comes from the control API, which the page's script asks. So nothing of a journal or a
world is ever put into HTML here.
"""

import hmac
import re
from functools import cache
from typing import Any, NamedTuple

import flask
from werkzeug.test import Client

from mockfoundry.control.context import make_control_response
from mockfoundry.control.guards import CONSOLE_PATH
from mockfoundry.control.sessions import ConsoleSessions, is_equal, name_cookie
from mockfoundry.exchange.request import CONTROL_PATH, Request
from mockfoundry.exchange.response import Response
from mockfoundry.exchange.run import Service
from mockfoundry.version import __version__


class View(NamedTuple):
    """One of the console's pages.

    Attributes:
        name: in its path, and of its script.
        about: what it is for, in a line.
        key: that opens it.
    """

    name: str
    title: str
    about: str
    key: str


VIEWS = (
    View("world", "World", "The apps, their processes, and what each instance does as the clock moves.", "1"),
    View("requests", "Requests", "What was asked, what was answered, and why.", "2"),
    View("scenarios", "Scenarios", "What breaks on purpose, and how far each scenario has come.", "3"),
    View("coverage", "Coverage", "Which documented answers and faults clients have met.", "4"),
)

SECURITY_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
}


# Where a log-in leads: a view, with the foundation that it is about.
_VIEW_ADDRESS = re.compile(rf"{CONSOLE_PATH}/[a-z]+(\?[!-\[\]-~]*)?")


class Console(NamedTuple):
    """What a page is made from.

    Attributes:
        token: of the control API; empty for none.
    """

    service: Service
    sessions: ConsoleSessions
    token: bytes


CONSOLE_KEY = "mockfoundry.console"
"""The key of that in a WSGI environment."""


@cache
def build_console_app() -> flask.Flask:
    """The pages as a Flask app, made once."""
    app = flask.Flask(__name__, static_folder="static", static_url_path=f"{CONSOLE_PATH}/static")
    # A browser asks each time whether a script has changed: it may talk to another version tomorrow.
    app.config["SEND_FILE_MAX_AGE_DEFAULT"] = 0
    app.add_url_rule(f"{CONTROL_PATH}/", view_func=show_start_page)
    app.add_url_rule(CONSOLE_PATH, view_func=open_console)
    app.add_url_rule(f"{CONSOLE_PATH}/", view_func=open_console, endpoint="open_console_folder")
    app.add_url_rule(f"{CONSOLE_PATH}/login", view_func=log_in, methods=["POST"])
    app.add_url_rule(f"{CONSOLE_PATH}/logout", view_func=log_out, methods=["POST"])
    app.add_url_rule(f"{CONSOLE_PATH}/<name>", view_func=show_view)
    app.after_request(add_security_headers)
    app.register_error_handler(404, show_missing_page)
    return app


def render_page(console: Console, request: Request) -> Response:
    """A page as a door sends it."""
    cookie = request.header(b"cookie")
    conditional = request.header(b"if-none-match")
    is_start = request.target.rstrip("/") == CONTROL_PATH
    answer = Client(build_console_app(), use_cookies=False).open(
        f"{CONTROL_PATH}/" if is_start else request.target,
        method=request.method,
        query_string=request.query_string.decode("latin-1"),
        base_url=request.base_url,
        data=request.content,
        content_type=request.header(b"content-type") or None,
        headers={name: value for name, value in (("Cookie", cookie), ("If-None-Match", conditional)) if value},
        environ_overrides={CONSOLE_KEY: console},
    )
    with answer:
        response = make_control_response(answer.status_code, answer.get_data(), answer.content_type or "")
    own = {"content-type", "content-length", "date"}
    response.headers += [
        (name.lower().encode("latin-1"), value.encode("latin-1"))
        for name, value in answer.headers
        if name.lower() not in own
    ]
    return response


def find_console() -> Console:
    """What the page that is made now is about."""
    console: Console = flask.request.environ[CONSOLE_KEY]
    return console


def find_session(console: Console) -> str:
    """The session of the browser that asks; empty where it has none."""
    sent = flask.request.headers
    return console.sessions.find({b"cookie": sent.get("Cookie", "").encode("latin-1"), b"host": sent["Host"].encode()})


def show_start_page() -> str:
    service = find_console().service
    contract = service.contract
    return flask.render_template(
        "start.html",
        version=__version__,
        contract=contract,
        operations=len(contract.plans),
        has_platform=service.platform is not None,
        base_url=flask.request.host_url.rstrip("/"),
    )


def open_console() -> flask.typing.ResponseReturnValue:
    """Leads to the first view, with the foundation that was asked for."""
    query = flask.request.query_string.decode("latin-1")
    return flask.redirect(f"{CONSOLE_PATH}/{VIEWS[0].name}{'?' if query else ''}{query}", 302)


def show_view(name: str) -> flask.typing.ResponseReturnValue:
    view = next((each for each in VIEWS if each.name == name), None)
    if view is None:
        return show_missing_page(None)
    console = find_console()
    session = find_session(console)
    if not session and console.token:
        return show_log_in("", 401)
    answer = flask.make_response(
        flask.render_template(
            "view.html",
            view=view,
            views=VIEWS,
            version=__version__,
            console=CONSOLE_PATH,
            has_log_in=bool(console.token),
            is_stateful=bool(console.service.operations),
            page_token=console.sessions.page_token(session or (begun := console.sessions.begin())),
        )
    )
    if not session:
        set_session(answer, begun)
    answer.headers["Cache-Control"] = "no-store"
    return answer


def show_log_in(problem: str, status: int) -> flask.typing.ResponseReturnValue:
    """The page that asks for the control token."""
    onward = flask.request.form.get("next") or flask.request.full_path.rstrip("?")
    page = flask.render_template(
        "login.html", console=CONSOLE_PATH, version=__version__, onward=onward, problem=problem
    )
    answer = flask.make_response(page, status)
    answer.headers["Cache-Control"] = "no-store"
    return answer


def log_in() -> flask.typing.ResponseReturnValue:
    """Begins a session for a browser that knows the control token."""
    console = find_console()
    given = flask.request.form.get("token", "").encode("utf-8", "replace")
    if not hmac.compare_digest(given, console.token):
        return show_log_in("This is not the token that the server was started with.", 401)
    onward = flask.request.form.get("next", "")
    is_view = _VIEW_ADDRESS.fullmatch(onward) is not None
    answer = flask.make_response(flask.redirect(onward if is_view else f"{CONSOLE_PATH}/{VIEWS[0].name}", 303))
    set_session(answer, console.sessions.begin())
    return answer


def log_out() -> flask.typing.ResponseReturnValue:
    """Has the browser forget its session; the form carries the token of its page."""
    console = find_console()
    session = find_session(console)
    given = flask.request.form.get("page_token", "")
    if session and not is_equal(given, console.sessions.page_token(session)):
        return show_log_in("The form was not this page's; nothing was done.", 403)
    answer = flask.make_response(flask.redirect(f"{CONSOLE_PATH}/{VIEWS[0].name}", 303))
    answer.delete_cookie(name_cookie(flask.request.host), **make_cookie_attributes())
    return answer


def set_session(answer: flask.Response, session: str) -> None:
    answer.set_cookie(name_cookie(flask.request.host), session, **make_cookie_attributes())


def make_cookie_attributes() -> dict[str, Any]:
    """A browser forgets a cookie only by the attributes that it was set with."""
    return {"path": CONTROL_PATH, "httponly": True, "samesite": "Strict", "secure": flask.request.is_secure}


def show_missing_page(_: object) -> flask.typing.ResponseReturnValue:
    return flask.render_template("missing.html", console=CONSOLE_PATH, views=VIEWS), 404


def add_security_headers(answer: flask.Response) -> flask.Response:
    answer.headers.extend(SECURITY_HEADERS)
    return answer
