"""The seal: which contract openapi-spec-validator has already accepted, so that a start need not ask it again.

`make contract` validates the shipped contract and seals it; a test fails where that was forgotten.
"""

import sys
from hashlib import sha256
from pathlib import Path

SEAL = Path(__file__).with_name("validated.sha256")


def digest(text: str) -> str:
    """What a text is known by."""
    return sha256(text.encode()).hexdigest()


def is_sealed(text: str) -> bool:
    """Whether this very text was validated before it was shipped."""
    return SEAL.read_text(encoding="ascii").strip() == digest(text)


def main() -> None:
    """Validates the shipped contract and seals it."""
    from mockfoundry.contract.loading import check_document, read_document
    from mockfoundry.shipped import CONTRACT

    text, document = read_document(CONTRACT)
    check_document(CONTRACT, document)
    SEAL.write_text(f"{digest(text)}\n", encoding="ascii")
    sys.stdout.write(f"{CONTRACT.name} is valid, and sealed\n")
