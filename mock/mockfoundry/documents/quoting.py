"""Quoting: text as a terminal may show it, whatever a client or a file has put into it. Never prints anything.

A terminal obeys control characters: some clear the screen, set its title, or write over the line above. Others change
the order in which a line is read. So what can't be printed is shown as its escape in JSON, `\\u001b`. Text that is JSON
stays JSON, since such a character can only stand in one of its strings.
"""


def quote_text(text: str) -> str:
    """Text of one line or several, with an escape in place of everything that can't be printed but the line feeds.

    C0, DEL and C1 can't be printed; nor can what sets the direction of writing, other line separators, lone surrogates,
    and blanks that look like another sign.
    """
    return text if text.isprintable() else _quote(text, "\n")


def quote_line(text: str) -> str:
    """Text as one line: line feeds are quoted, too."""
    return text if text.isprintable() else _quote(text, "")


def _quote(text: str, kept: str) -> str:
    return "".join(sign if sign.isprintable() or sign in kept else escape_sign(sign) for sign in text)


def escape_sign(sign: str) -> str:
    """A character as JSON escapes it: one beyond U+FFFF as two surrogates [RFC 8259, 7]."""
    if ord(sign) <= 0xFFFF:
        return f"\\u{ord(sign):04x}"
    pair = sign.encode("utf-16-be")
    return f"\\u{pair[:2].hex()}\\u{pair[2:].hex()}"
