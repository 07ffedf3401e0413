"""The contract: an OpenAPI document loaded by connexion, validated and compiled once. Never knows Cloud Foundry."""
