"""Written: the documents that describe the two APIs, as they stand. Never changes them."""

from pathlib import Path

import flask

from mockfoundry.control.clerk import Clerk, Handlers

MEDIA_TYPE = "application/yaml"


def document_handlers(clerk: Clerk, own: Path) -> Handlers:
    """The handlers of the control API's own document and of the contract."""
    own_text, contract_text = own.read_text(encoding="utf-8"), clerk.service.contract.text

    def show_document() -> flask.Response:
        return flask.Response(own_text, content_type=MEDIA_TYPE)

    def show_contract() -> flask.Response:
        return flask.Response(contract_text, content_type=MEDIA_TYPE)

    return {"show_document": show_document, "show_contract": show_contract}
