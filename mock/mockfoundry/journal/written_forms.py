"""Written forms: what text looks like where a secret stands in it, as patterns. Never judges a name.

Every pattern is linear in the text: what repeats has a bound, or ends where the next one begins.
"""

import re
from collections.abc import Callable, Iterator

JWT = re.compile(r"\beyJ[\w-]{6,}\.[\w-]+(?:\.[\w-]*)?")
USER_INFO = re.compile(
    r"""(?:(?<=://)|(?<=:\\/\\/))(?:[^/\s"'<>?#]{1,256}|[^/\s@"'<>:]{0,256}:(?![0-9]{1,5}/)[^\s@"'<>]{1,256})(?=@)"""
)
"""Who signs in by an address, up to the last `@` before its path. JSON may have its slashes escaped."""

ORACLE_USER = re.compile(
    r"""(?<=:thin:)(?P<name>[^/\s@"'<>:]{1,128})/(?P<value>"[^"]{1,256}"|[^\s"'<>@]{1,256})(?=@)"""
)
"""The same in Oracle's addresses: `jdbc:oracle:thin:user/password@host` [Oracle, JDBC Developer's Guide, 8.2]."""

GO_USER = re.compile(r"""(?<![\w/:@])(?P<name>[\w.-]{1,128}):(?P<value>[^\s"'<>@/]{1,256})(?=@(?:tcp|unix|udp)\()""")
"""The same in the addresses of Go's drivers: `user:password@tcp(host:3306)/`."""

TOKEN = re.compile(
    r"""\b(?:gh[opsu]_[A-Za-z0-9]{20,255}|glpat-[\w-]{16,255}|xox[bp]-[\w-]{10,255}|AKIA[0-9A-Z]{16}\b
        |(?<=hooks\.slack\.com/services/)[\w/-]{8,255})""",
    re.VERBOSE,
)
"""Tokens that are known by how they begin, as their givers say: GitHub, GitLab, Slack, Amazon."""

_OPERATOR = r"(?:[ \t]*[:!<>=]{1,2}[ \t]*|[ \t]+(?:not[ \t]*)?in[ \t]+)"
FILTER = re.compile(
    rf"""(?:\A|[;,&])[ \t]*(?P<name>[\w.\[\]/-]{{1,128}}){_OPERATOR}
        (?P<value>\([^()]*\)|(?:(?![;,&][ \t]*(?:![ \t]*)?[\w.\[\]/-]{{1,128}}{_OPERATOR}).)+)""",
    re.VERBOSE | re.IGNORECASE | re.DOTALL,
)
"""A condition in a query: `q=name:value`, `name IN a,b` [Cloud Controller v2, filtering], a selector of labels.

It ends where the next one begins."""

CHALLENGE = re.compile(r"""(?:"(?:[^"\\]|\\(?:.|\Z))*(?:"|\Z)|[^,"])+""", re.DOTALL)
CHALLENGE_PARAMETER = re.compile(
    r"""\s*(?:[\w-]{1,64}[ \t]+)?(?P<name>[\w-]{1,64})[ \t]*=[ \t]*(?P<value>"(?:[^"\\]|\\.)*"?|[^\s"=]+)\s*""",
    re.DOTALL,
)
"""What stands between the commas of `WWW-Authenticate`: `Bearer realm="x"`, `error="y"` [RFC 9110, 11.6.1]."""

PRIVATE_KEY = re.compile(
    r"-----BEGIN[ +][A-Z0-9 +]{0,64}PRIVATE[ +]KEY(?:[ +]BLOCK)?-----(?P<value>.*?)(?=-----END|\Z)", re.DOTALL
)
SCHEME_IN_TEXT = re.compile(r"\b(bearer|basic)[ \t]+(?!tokens?\b|auth)([\w.~+/=:-]{4,})", re.IGNORECASE)
QUOTED_NAME = re.compile(r"""(\\{0,8}["'])((?:(?!\1).){1,128}?)\1\s*:\s*""", re.DOTALL)
JSON_STRING = re.compile(r'"((?:[^"\\]|\\(?:.|\Z))*)(?:"|\Z)', re.DOTALL)
PAIR = re.compile(
    r"""(?<![\w.%-])(?P<name>[\w.%\[\]-]{1,128})[ \t]*=[ \t]*
        (?P<value>"(?:[^"\\]|\\.)*"?|'(?:[^'\\]|\\.)*'?
        |(?:[^\s&"'<>;,|]|[;,|](?!(?:[\w.%\[\]-]{1,128}=|[;,|]{0,8}(?:[\s&"'<>]|\Z))))+)""",
    re.VERBOSE,
)
"""A name and a value; one without quotes ends before the next pair, behind `;`, `,` or `|` as well."""

FLAG = re.compile(r"(?<![\w-])--(?P<name>[\w-]{1,128})[ \t]+(?P<value>[^\s\"'-]\S*|\"[^\"]*\"?|'[^']*'?)")
CURL_USER = re.compile(
    r"""(?<![\w-])(?:-[A-Za-z]{0,16}[uU][ \t]{0,64}|--(?:proxy-)?user[ \t=]{1,64})
        (?:\\{0,8}(?P<quote>["'])[^:"'\n]{0,256}:(?P<quoted>[^"'\n]+)|[^\s:"']{0,256}:(?P<value>[^\s"']+))""",
    re.VERBOSE,
)
PART = re.compile(
    r"""\bname=["']?(?P<name>[^"'\r\n;]{1,128}+)["']?[^\r\n]{0,512}+\r?\n(?:[^\r\n]{1,512}+\r?\n){0,8}+\r?\n
        (?P<value>.*?)(?=\r?\n--|\Z)""",
    re.DOTALL | re.VERBOSE,
)
HEADER_FLAG = re.compile(
    r"""(?<![\w-])(?:-H|--header)[ \t=]{0,8}\\{0,8}["']?(?P<name>[\w-]{1,128}):[ \t]{0,8}(?P<value>[^"'\\\n]+)"""
)
HEADER_IN_TEXT = re.compile(
    r"""(?<![\w-])(?:(?P<name>[A-Za-z0-9]{1,64}(?:-[A-Za-z0-9]{1,64}){1,8}):[ \t]{1,8}(?P<value>[^\s"']{8,})
        |(?P<whole>(?:set-)?cookie|(?:proxy-)?authorization):[ \t]{1,8}(?P<line>[^"'\r\n]+))""",
    re.VERBOSE | re.IGNORECASE,
)
"""A header in a text: the next word behind a name with hyphens, all of the line behind the names of all servers."""

TAG = re.compile(r"<[A-Za-z][\w.:-]{0,64}\s[^<>]{1,4096}>")
TAG_NAME = re.compile(r"""\s(?:name|key)\s*=\s*["']?(?P<name>[\w.-]{1,128})""", re.IGNORECASE)
TAG_VALUE = re.compile(r"""\s(?:value|content)\s*=\s*(?P<value>"[^"]*"|'[^']*'|[^\s"'<>]+)""", re.IGNORECASE)
ELEMENT = re.compile(r"<(?:[\w.-]+:)?(?P<name>[\w.-]{1,128})(?:\s[^<>]*)?>(?P<value>[^<]+)(?=</)")
LINE = re.compile(r"""(?m)^[ \t-]{0,64}["']?(?P<name>[\w.-]{1,128})["']?[ \t]{0,64}:[ \t]*(?P<value>[^\s][^\n]*)""")
FLOW_NAME = re.compile(r"[{,(][ \t\r\n]{0,64}(?P<name>[\w.-]{1,128})[ \t]{0,64}:[ \t]*")
FLOW = re.compile(
    FLOW_NAME.pattern + r"""(?P<value>"(?:[^"\\]|\\.)*"?|'(?:[^'\\]|\\.)*'?|[^\s,{}\[\]"'][^,{}\[\]\n]*)"""
)
"""A pair in the brackets of YAML, or of JavaScript: `{name: value}`, the name without quotes."""

BLOCK_SIGN = re.compile(r"[|>][0-9+-]{0,2}[ \t]*(?:#.*)?\r?")
"""What stands behind a name in YAML whose text is below."""

EMPTY_BRACKETS = re.compile(r"[\[{][\s\]},;]*")

_CDATA = re.compile(r"<(?:[\w.-]{1,128}:)?(?P<name>[\w.-]{1,128})(?:\s[^<>]{0,512})?>\s{0,64}<!\[CDATA\[")
_BLOCK_HEAD = re.compile(
    r"""(?P<indent>[ \t]{0,64}(?:-[ \t]+)?)["']?(?P<name>[\w.-]{1,128})["']?[ \t]{0,64}:
        [ \t]*(?P<sign>[|>][0-9+-]{0,2})?[ \t]*(?:\#.*)?""",
    re.VERBOSE,
)
_BLOCK_LINE = re.compile(
    r"(?P<before>[ \t]*(?:-[ \t]+)*(?:[\w.-]{1,128}:[ \t]+)?)(?P<value>.*?)(?P<after>\s*)", re.DOTALL
)
_TEXT_LINE = re.compile(r"(?P<before>[ \t]*)(?P<value>.*?)(?P<after>\s*)", re.DOTALL)


def replace_cdata(text: str, is_secret: Callable[[str], bool], hide: Callable[[str], str]) -> str:
    """Text with the CDATA of elements hidden whose name is a secret's."""
    parts: list[str] = []
    done = 0
    for found in _CDATA.finditer(text):
        if found.end() > done and is_secret(found["name"]):
            end = text.find("]]>", found.end())
            end = len(text) if end < 0 else end
            parts += (text[done : found.end()], hide(text[found.end() : end]))
            done = end
    return "".join((*parts, text[done:]))


def replace_blocks(text: str, is_secret: Callable[[str], bool], hide: Callable[[str], str]) -> str:
    """Text with the lines hidden that stand below a secret's name in YAML: a text, a list, a mapping."""
    return "".join(_iterate_block_lines(text, is_secret, hide))


def _iterate_block_lines(text: str, is_secret: Callable[[str], bool], hide: Callable[[str], str]) -> Iterator[str]:
    # How far the name of the secret is indented whose lines these are, if there is one; how such a line is read.
    indent, form = -1, _BLOCK_LINE
    for line in text.splitlines(keepends=True):
        bare = line.strip()
        own = len(line) - len(line.lstrip(" \t"))
        if indent >= 0 and bare and own <= indent and not (own == indent and form is _BLOCK_LINE and bare[0] == "-"):
            indent = -1
        if indent >= 0:
            found = form.fullmatch(line)
            yield line if found is None else f"{found['before']}{hide(found['value'])}{found['after']}"
            continue
        head = _BLOCK_HEAD.fullmatch(line.rstrip())
        if head is not None and is_secret(head["name"]):
            indent, form = len(head["indent"]), _TEXT_LINE if head["sign"] else _BLOCK_LINE
        yield line
