"""Environment variables: which names and values an app may have. Changes nothing.

Source: cloud_controller_ng, app/messages/validators.rb (EnvironmentVariablesValidator,
EnvironmentVariablesStringValuesValidator).
"""

import re
from collections.abc import Iterator
from typing import Any

import msgspec

_RESERVED = re.compile(r"VCAP_|VMC|PORT\Z", re.IGNORECASE)
_NAME_ERRORS = {"VCAP_": "cannot start with VCAP_", "VMC": "cannot start with VMC_", "PORT": "cannot set PORT"}


def find_variable_name_error(name: str) -> str:
    """The error of the name of an environment variable; empty where it has none."""
    if not name:
        return "key must be a minimum length of 1"
    reserved = _RESERVED.match(name)
    return "" if reserved is None else _NAME_ERRORS[reserved.group().upper()]


def find_environment_errors(attribute: str, variables: Any) -> Iterator[str]:
    """The errors of the names of environment variables.

    Args:
        attribute: what the errors call them.
    """
    if not isinstance(variables, dict):
        yield f"{attribute} must be an object"
        return
    for name in variables:
        if error := find_variable_name_error(name):
            yield f"{attribute} {error}"


def find_variable_errors(attribute: str, variables: Any) -> Iterator[str]:
    """The errors of environment variables that are changed: each must be text, or null to remove it."""
    if not isinstance(variables, dict):
        yield f"{attribute} must be an object"
        return
    for name, value in variables.items():
        if error := find_variable_name_error(name):
            yield f"{attribute} {error}"
        elif value is not None and not isinstance(value, str):
            shown = msgspec.json.encode(value).decode()
            yield f"Non-string value in environment variable for key '{name}', value '{shown}'"
