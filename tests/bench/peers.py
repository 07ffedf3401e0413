"""The peers of an isolated test, installed into a folder of their own under build/. Never touches another environment.

WireMock and MockServer need Java and npm; where those are not at hand they are left out, and it is said.
"""

import shutil
import subprocess
import sys
from pathlib import Path

FOLDER = Path("build/bench").resolve()
PYTHON_PEERS = FOLDER / "python"
NPM_PEERS = FOLDER / "npm"

OF_PYTHON = ("pytest-httpserver", "werkzeug", "markupsafe", "respx")
"""With all that they need beyond httpx, which comes from here, so that every tool has the same client."""

OF_NPM = ("wiremock", "mockserver-node")


def install_python_peers() -> Path:
    """The folder of Python's peers, made where there is none yet."""
    if not (PYTHON_PEERS / "respx").is_dir():
        wanted = ["install", "--quiet", "--no-deps", "--target", str(PYTHON_PEERS), *OF_PYTHON]
        subprocess.run([sys.executable, "-m", "pip", *wanted], check=True)
    return PYTHON_PEERS


def find_jar(package: str) -> Path | None:
    """The jar that a package of npm brings; None where there is none."""
    return next((NPM_PEERS / "node_modules" / package).glob("**/*.jar"), None)


def install_java_peers() -> str:
    """Installs WireMock and MockServer where there are none yet.

    Returns:
        Why they are left out; empty where they are there.
    """
    if missing := [each for each in ("java", "npm") if shutil.which(each) is None]:
        return f"no {' and no '.join(missing)} at hand"
    if all(find_jar(package) for package in OF_NPM):
        return ""
    wanted = ["npm", "install", "--silent", "--no-audit", "--no-fund", "--prefix", str(NPM_PEERS), *OF_NPM]
    if subprocess.run(wanted, check=False).returncode:
        return "npm could not install them"
    return "" if any(map(find_jar, OF_NPM)) else "their packages bring no jar"
