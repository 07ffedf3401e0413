"""What clients say of each fault of TLS, in their own words: docs/clients/tls.md shows them. Runs no client."""

from collections.abc import Iterator

UNTRUSTED = "the authority is not trusted"
HTTP_TO_HTTPS = "http to a server with TLS"
HTTPS_TO_HTTP = "https to a server without TLS"

ANYTHING = " … "
"""Stands in words for what differs from run to run, or says no more."""

TLS_WORDS: dict[str, dict[str, str]] = {
    "curl": {
        "tls-expired": "(60) SSL certificate problem: certificate has expired",
        "tls-other-host": "(60) SSL: no alternative certificate subject name matches target host name",
        "tls-self-signed": "(60) SSL certificate problem: self-signed certificate",
        "tls-hang": "(28) … timed out",
        "tls-alert": "(35) … alert internal error",
        "tls-answer-cut": "(18) transfer closed with … bytes remaining to read",
        "tls-answer-alert": "(56) … alert bad record mac",
        "tls-answer-garbled": "(56) … decryption failed or bad record mac",
        UNTRUSTED: "(60) SSL certificate problem: unable to get local issuer certificate",
        HTTP_TO_HTTPS: "400",
        HTTPS_TO_HTTP: "(35) … wrong version number",
    },
    "requests": {
        "tls-expired": "SSLError: … certificate has expired",
        "tls-other-host": "SSLError: … Hostname mismatch, certificate is not valid for 'localhost'",
        "tls-self-signed": "SSLError: … self-signed certificate",
        "tls-hang": "ReadTimeout: … Read timed out.",
        "tls-alert": "SSLError: … alert internal error",
        "tls-answer-cut": "ChunkedEncodingError: ('Connection broken: IncompleteRead(",
        "tls-answer-alert": "SSLError: … alert bad record mac",
        "tls-answer-garbled": "SSLError: … decryption failed or bad record mac",
        UNTRUSTED: "SSLError: … unable to get local issuer certificate",
        HTTP_TO_HTTPS: "400",
        HTTPS_TO_HTTP: "SSLError: … wrong version number",
    },
    "httpx": {
        "tls-expired": "ConnectError: … certificate has expired",
        "tls-other-host": "ConnectError: … Hostname mismatch … certificate is not valid for",
        "tls-self-signed": "ConnectError: … self-signed certificate",
        "tls-hang": "ConnectTimeout: … The handshake operation timed out",
        "tls-alert": "ConnectError: … alert internal error",
        "tls-answer-cut": "RemoteProtocolError: … peer closed connection without sending complete message body",
        "tls-answer-alert": "ReadError: … alert bad record mac",
        "tls-answer-garbled": "ReadError: … decryption failed or bad record mac",
        UNTRUSTED: "ConnectError: … unable to get local issuer certificate",
        HTTP_TO_HTTPS: "400",
        HTTPS_TO_HTTP: "ConnectError: … wrong version number",
    },
    "urllib": {
        "tls-expired": "URLError: … certificate has expired",
        "tls-other-host": "URLError: … Hostname mismatch, certificate is not valid for 'localhost'",
        "tls-self-signed": "URLError: … self-signed certificate",
        "tls-hang": "URLError: … The handshake operation timed out",
        "tls-alert": "URLError: … alert internal error",
        "tls-answer-cut": "IncompleteRead: … bytes read",
        "tls-answer-alert": "SSLError: … alert bad record mac",
        "tls-answer-garbled": "SSLError: … decryption failed or bad record mac",
        UNTRUSTED: "URLError: … unable to get local issuer certificate",
        HTTP_TO_HTTPS: "HTTPError: HTTP Error 400: Bad Request",
        HTTPS_TO_HTTP: "URLError: … wrong version number",
    },
    "go": {
        "tls-expired": "x509: certificate has expired or is not yet valid",
        "tls-other-host": "x509: certificate is valid for another-host.example, not localhost",
        "tls-self-signed": "x509: certificate signed by unknown authority",
        "tls-hang": "Client.Timeout exceeded while awaiting headers",
        "tls-alert": "remote error: tls: internal error",
        "tls-answer-cut": "unexpected EOF",
        "tls-answer-alert": "remote error: tls: bad record MAC",
        "tls-answer-garbled": "local error: tls: bad record MAC",
        UNTRUSTED: "x509: certificate signed by unknown authority",
        HTTP_TO_HTTPS: "400 Bad Request",
        HTTPS_TO_HTTP: "http: server gave HTTP response to HTTPS client",
    },
    "java": {
        "tls-expired": "SSLHandshakeException: … validity check failed",
        "tls-other-host": "SSLHandshakeException: … No subject alternative DNS name matching localhost found.",
        "tls-self-signed": "SSLHandshakeException: … unable to find valid certification path to requested target",
        "tls-hang": "HttpConnectTimeoutException: … HTTP connect timed out",
        "tls-alert": "SSLException: … Received fatal alert: internal_error",
        "tls-answer-cut": "IOException: … fixed content-length: … bytes received:",
        "tls-answer-alert": "IOException: … fixed content-length: … bytes received:",
        "tls-answer-garbled": "IOException: … fixed content-length: … bytes received:",
        UNTRUSTED: "SSLHandshakeException: … unable to find valid certification path to requested target",
        HTTP_TO_HTTPS: "400",
        HTTPS_TO_HTTP: "SSLException: … Unrecognized SSL message, plaintext connection?",
    },
    "node": {
        "tls-expired": "CERT_HAS_EXPIRED: certificate has expired",
        "tls-other-host": "ERR_TLS_CERT_ALTNAME_INVALID: Hostname/IP does not match certificate's altnames",
        "tls-self-signed": "DEPTH_ZERO_SELF_SIGNED_CERT: self-signed certificate",
        "tls-hang": "timeout",
        "tls-alert": "EPROTO: … alert internal error",
        "tls-answer-cut": "ECONNRESET: aborted",
        "tls-answer-alert": "ERR_SSL_ … alert bad record mac",
        "tls-answer-garbled": "ERR_SSL_DECRYPTION_FAILED_OR_BAD_RECORD_MAC: … decryption failed or bad record mac",
        UNTRUSTED: "UNABLE_TO_VERIFY_LEAF_SIGNATURE: unable to verify the first certificate",
        HTTP_TO_HTTPS: "400",
        HTTPS_TO_HTTP: "EPROTO: … wrong version number",
    },
}
"""By client, and by scenario or mistake."""

TLS_CASES = tuple(TLS_WORDS["curl"])

NAMES = {
    "curl": "curl",
    "requests": "Python, requests",
    "httpx": "Python, httpx",
    "urllib": "Python, urllib",
    "go": "Go, net/http",
    "java": "Java, HttpClient",
    "node": "Node, https",
}


def has_words(said: str, words: str) -> bool:
    """Whether a client has said such words, each part behind the one before it."""
    for part in words.split(ANYTHING):
        _, found, said = said.partition(part)
        if not found:
            return False
    return True


def last_words(client: str, case: str) -> str:
    """The end of what a client says, which tells one fault from another."""
    return TLS_WORDS[client][case].rpartition(ANYTHING)[2]


def render_tls_words() -> Iterator[str]:
    """A table for each fault: a row a client."""
    for case in TLS_CASES:
        link = f"[{case}](../recipes/{case}.md)" if case.startswith("tls-") else case
        yield f"### {link}\n"
        yield "| client | what it says |\n|---|---|"
        yield from (f"| {NAMES[client]} | `{words[case]}` |" for client, words in TLS_WORDS.items())
        yield ""
