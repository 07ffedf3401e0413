"""The exchange: one request against one foundation, from request to response. Never awaits, never touches a socket."""
