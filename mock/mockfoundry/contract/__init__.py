"""The contract: an OpenAPI document loaded by connexion, validated and compiled once. Never knows Cloud Foundry."""

from mockfoundry.contract.loading import Contract, load_contract
from mockfoundry.contract.plans import ContractError, Documented, Parameter, Plan
from mockfoundry.contract.routes import Route
from mockfoundry.contract.schemas import Schema, Violation, brief

__all__ = [
    "Contract",
    "ContractError",
    "Documented",
    "Parameter",
    "Plan",
    "Route",
    "Schema",
    "Violation",
    "brief",
    "load_contract",
]
