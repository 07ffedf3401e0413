"""The control API as connexion's Flask app over its own contract, requests and responses validated."""

from pathlib import Path

from connexion import FlaskApp
from connexion.options import SwaggerUIOptions
from connexion.resolver import Resolver

from mockfoundry.control.health import health_handler
from mockfoundry.exchange import Service

CONTRACT = Path(__file__).with_name("openapi.yaml")


def control_app(service: Service) -> FlaskApp:
    """The control API of a service, an ASGI app."""
    handlers = {"show_health": health_handler(service)}
    app = FlaskApp(
        "mockfoundry.control",
        specification_dir=str(CONTRACT.parent),
        swagger_ui_options=SwaggerUIOptions(swagger_ui=False),
    )
    app.add_api(
        CONTRACT.name,
        resolver=Resolver(handlers.__getitem__),
        strict_validation=True,
        validate_responses=True,
    )
    return app
