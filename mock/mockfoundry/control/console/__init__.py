"""The console: the mock in a browser, pages of Flask whose scripts ask the control API. Never touches a foundation."""
