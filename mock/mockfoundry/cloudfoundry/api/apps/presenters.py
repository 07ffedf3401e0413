"""App presenters: apps and what is shown of one, keys in the Cloud Controller's order. Never decides anything.

Parts that are the same in many responses are encoded once and shared, so a presented value must not be changed inside.
Source: cloud_controller_ng, app/presenters/v3/ (app_presenter.rb, app_env_presenter.rb,
app_environment_variables_presenter.rb, app_*_feature_presenter.rb, app_droplet_relationship_presenter.rb),
app/models/runtime/*_lifecycle_data_model.rb, lib/cloud_controller/url_secret_obfuscator.rb and
lib/vcap/vars_builder.rb.
"""

from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import msgspec

from mockfoundry.cloudfoundry.api.presenters import (
    encode_fragment,
    present_metadata,
    present_moment,
)
from mockfoundry.cloudfoundry.model import App
from mockfoundry.cloudfoundry.organizations import Organization, Space
from mockfoundry.cloudfoundry.tasks import HIDDEN

FILE_DESCRIPTORS = 16_384
"""How many files an instance may have open [config instance_file_descriptor_limit]."""

REDACTED_CREDENTIAL = "***"


def present_app(app: App, base: str) -> dict[str, Any]:
    """An app.

    Args:
        base: what links begin with.
    """
    return {
        "guid": app.guid,
        "created_at": present_moment(app.created_at),
        "updated_at": present_moment(app.updated_at),
        "name": app.name,
        "state": app.state,
        "lifecycle": {"type": app.lifecycle, "data": present_lifecycle_data(app)},
        "relationships": {
            "space": {"data": {"guid": app.space}},
            "current_droplet": {"data": {"guid": None if app.droplet is None else app.droplet.guid}},
        },
        "metadata": present_metadata(app),
        "links": present_app_links(base, app.guid, app.space),
    }


def present_lifecycle_data(app: App) -> dict[str, Any]:
    if app.lifecycle == "docker":
        return {}
    data = {"buildpacks": [hide_credentials(each) for each in app.buildpacks], "stack": app.stack}
    if app.lifecycle == "cnb" and app.has_registry_credentials:
        return {**data, "credentials": REDACTED_CREDENTIAL}
    return data


def hide_credentials(buildpack: str) -> str:
    """A buildpack's name, or its URL without what one logs in with."""
    if "@" not in buildpack:
        return buildpack
    try:
        parts = urlsplit(buildpack)
    except ValueError:
        return buildpack
    _, at, host = parts.netloc.rpartition("@")
    if not at:
        return buildpack
    return urlunsplit(parts._replace(netloc=f"{REDACTED_CREDENTIAL}:{REDACTED_CREDENTIAL}@{host}"))


@lru_cache(maxsize=8192)
def present_app_links(base: str, guid: str, space: str) -> msgspec.Raw:
    url = f"{base}/v3/apps/{guid}"
    return encode_fragment(
        {
            "self": {"href": url},
            "environment_variables": {"href": f"{url}/environment_variables"},
            "space": {"href": f"{base}/v3/spaces/{space}"},
            "processes": {"href": f"{url}/processes"},
            "packages": {"href": f"{url}/packages"},
            "current_droplet": {"href": f"{url}/droplets/current"},
            "droplets": {"href": f"{url}/droplets"},
            "tasks": {"href": f"{url}/tasks"},
            "start": {"href": f"{url}/actions/start", "method": "POST"},
            "stop": {"href": f"{url}/actions/stop", "method": "POST"},
            "clear_buildpack_cache": {"href": f"{url}/actions/clear_buildpack_cache", "method": "POST"},
            "revisions": {"href": f"{url}/revisions"},
            "deployed_revisions": {"href": f"{url}/revisions/deployed"},
            "features": {"href": f"{url}/features"},
        }
    )


def present_app_environment(
    app: App, space: Space, organization: Organization, urls: list[str], base: str, shows_secrets: bool
) -> dict[str, Any]:
    """All the environment of an app.

    Args:
        urls: of its routes.
        shows_secrets: whether the reader sees what its services have put there.
    """
    return {
        "environment_variables": app.environment_variables,
        "staging_env_json": {},
        "running_env_json": {},
        "system_env_json": present_system_environment(app) if shows_secrets else {"redacted_message": HIDDEN},
        "application_env_json": {
            "VCAP_APPLICATION": {
                "cf_api": base,
                "limits": {"fds": FILE_DESCRIPTORS},
                "application_name": app.name,
                "application_uris": urls,
                "name": app.name,
                "space_name": space.name,
                "space_id": space.guid,
                "organization_id": organization.guid,
                "organization_name": organization.name,
                "uris": urls,
                "users": None,
                "application_id": app.guid,
            }
        },
    }


def present_system_environment(app: App) -> dict[str, Any]:
    """What an app finds of its service bindings; it has none here."""
    if app.service_binding_k8s_enabled:
        return {"SERVICE_BINDING_ROOT": "/etc/cf-service-bindings"}
    if app.file_based_vcap_services_enabled:
        return {"VCAP_SERVICES_FILE_PATH": "/etc/cf-service-bindings/vcap_services"}
    return {"VCAP_SERVICES": {}}


def present_environment_variables(app: App, base: str) -> dict[str, Any]:
    """The environment variables of an app's own."""
    url = f"{base}/v3/apps/{app.guid}"
    links = {"self": {"href": f"{url}/environment_variables"}, "app": {"href": url}}
    return {"var": app.environment_variables or {}, "links": links}


def present_current_droplet(app: App, droplet: str, base: str) -> dict[str, Any]:
    """Which droplet an app has.

    Args:
        droplet: its guid.
    """
    url = f"{base}/v3/apps/{app.guid}"
    links = {
        "self": {"href": f"{url}/relationships/current_droplet"},
        "related": {"href": f"{url}/droplets/current"},
    }
    return {"data": {"guid": droplet}, "links": links}
