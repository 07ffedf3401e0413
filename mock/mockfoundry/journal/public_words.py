"""Public words: what stands where secrets do, and is for everybody to read. Never hides anything."""

SCHEMES = frozenset(
    (
        *("basic", "bearer", "digest", "dpop", "hoba", "mutual", "negotiate", "ntlm", "oauth", "privatetoken", "vapid"),
        *("token", "apikey", "aws4-hmac-sha256", "scram-sha-1", "scram-sha-256"),
    )
)
"""Schemes of credentials [IANA, HTTP Authentication Schemes, and some in use]; the word of one stays to be read."""

CHALLENGE_HEADERS = frozenset({"www-authenticate", "proxy-authenticate"})

PUBLIC_CHALLENGE_PARAMETERS = frozenset(
    (
        *(
            "realm",
            "error",
            "error_description",
            "error_uri",
            "scope",
            "charset",
            "algorithm",
            "qop",
            "stale",
            "domain",
        ),
        *("title", "authorization_uri", "resource_metadata", "userhash"),
    )
)
"""What a challenge says to everybody [RFC 6750, 3; RFC 7616, 3.3; RFC 9728, 5.1]; others are of one client."""

PUBLIC_GRANTS = frozenset({"password", "refresh_token", "client_credentials", "authorization_code"})
"""What a form's `grant_type` may say, whatever its secrets are."""

COOKIE_ATTRIBUTES = frozenset(
    ("path", "domain", "expires", "max-age", "secure", "httponly", "samesite", "partitioned", "priority")
)
"""What a cookie says of itself [RFC 6265, 5.2, and what browsers have added]."""
