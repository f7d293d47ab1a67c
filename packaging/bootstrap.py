#!/usr/bin/env python3
"""Set ais-app up on a fresh machine and run it. Needs Python 3.10 or newer and nothing else.

    python3 packaging/bootstrap.py demo    make .venv, install, run the demo
    python3 packaging/bootstrap.py test    make .venv, install, run the tests
    python3 packaging/bootstrap.py check   lint, types and import contracts (developers)

What follows the command is handed on: ``bootstrap.py test -k picking``. Nothing is downloaded the second time.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
BIN = VENV / ("Scripts" if os.name == "nt" else "bin")
PYTHON = BIN / ("python.exe" if os.name == "nt" else "python")
STAMP = VENV / "ais-app-installed.json"
EXTRAS = {"demo": (), "test": ("test",), "check": ("test", "dev")}

# What Qt 6 and OpenGL need on Debian and Ubuntu beyond a minimal system; Xvfb draws where there is no screen.
DEBIAN_PACKAGES = (
    "libdbus-1-3", "libegl1", "libfontconfig1", "libgl1", "libgl1-mesa-dri", "libglib2.0-0", "libxcb-cursor0",
    "libxcb-icccm4", "libxcb-keysyms1", "libxcb-shape0", "libxkbcommon-x11-0", "xauth", "xvfb",
)  # fmt: skip


def main(arguments: list[str]) -> int:
    if not arguments or arguments[0] not in EXTRAS:
        print(__doc__)
        return 0 if arguments and arguments[0] in {"-h", "--help"} else 2
    if sys.version_info < (3, 10):  # noqa: UP036 - this file itself also runs on older ones, to say so
        print(f"ais-app needs Python 3.10 or newer; this is {sys.version.split()[0]} ({sys.executable})")
        return 1
    command, rest = arguments[0], arguments[1:]
    install_system_libraries()
    make_environment()
    install(EXTRAS[command])
    if command == "demo":
        return subprocess.call([str(PYTHON), "-m", "ais_app", "demo", *rest])
    return test(rest) if command == "test" else check()


def install_system_libraries() -> None:
    """On Debian and its kin install what is missing where that is allowed; otherwise say how."""
    if not (shutil.which("dpkg-query") and shutil.which("apt-get")):
        return
    missing = [package for package in DEBIAN_PACKAGES if not is_installed(package)]
    if not missing:
        return
    line = ["apt-get", "install", "-y", "--no-install-recommends", *missing]
    if os.geteuid() != 0 and not sudo_works():
        print("These system libraries are missing; the window needs them, the command line does not. Install with:")
        print("    sudo " + " ".join(line))
        return
    prefix = [] if os.geteuid() == 0 else ["sudo", "-n"]
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    print("Installing system libraries:", *missing)
    subprocess.call([*prefix, "apt-get", "update", "-q"], env=environment, stdout=subprocess.DEVNULL)
    if subprocess.call([*prefix, *line], env=environment, stdout=subprocess.DEVNULL) != 0:
        print("They could not be installed (offline?); the command line works without them. Later:")
        print("    sudo apt-get update && sudo " + " ".join(line))


def is_installed(package: str) -> bool:
    """Look for a Debian package; newer systems call some of them NAMEt64."""
    for name in (package, package + "t64"):
        query = ["dpkg-query", "-W", "-f", "${db:Status-Status}", name]
        if subprocess.run(query, capture_output=True, text=True).stdout == "installed":
            return True
    return False


def sudo_works() -> bool:
    return bool(shutil.which("sudo")) and subprocess.run(["sudo", "-n", "true"], capture_output=True).returncode == 0


def make_environment() -> None:
    """Make .venv where there is none that works."""
    if PYTHON.exists() and subprocess.run([str(PYTHON), "-m", "pip", "--version"], capture_output=True).returncode == 0:
        return
    print(f"Making {VENV}")
    made = subprocess.run([sys.executable, "-m", "venv", "--clear", str(VENV)], capture_output=True, text=True)
    if made.returncode == 0:
        return
    package = f"python{sys.version_info.major}.{sys.version_info.minor}-venv"
    if shutil.which("apt-get") and (os.geteuid() == 0 or sudo_works()):
        prefix = [] if os.geteuid() == 0 else ["sudo", "-n"]
        subprocess.check_call([*prefix, "apt-get", "install", "-y", package], stdout=subprocess.DEVNULL)
        subprocess.check_call([sys.executable, "-m", "venv", "--clear", str(VENV)])
        return
    print(made.stdout + made.stderr)
    raise SystemExit(f"No virtual environment could be made. On Debian or Ubuntu: sudo apt-get install {package}")


def install(extras: tuple[str, ...]) -> None:
    """Install the package and what it needs, once for each state of pyproject.toml and constraints.txt."""
    constraints = ROOT / "packaging" / "constraints.txt"
    digest = hashlib.sha256()
    for file in (ROOT / "pyproject.toml", constraints):
        digest.update(file.read_bytes())
    state = {"inputs": digest.hexdigest(), "root": str(ROOT), "python": sys.version}
    before = json.loads(STAMP.read_text(encoding="utf-8")) if STAMP.exists() else {}
    present = set(before.pop("extras", ())) if before else set()
    if before == state and set(extras) <= present:
        return
    wanted = sorted(present | set(extras)) if before == state else sorted(extras)
    print("Installing ais-app and what it needs (about 1.5 GB the first time)")
    target = f"{ROOT}[{','.join(wanted)}]" if wanted else str(ROOT)
    pip = [str(PYTHON), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    subprocess.check_call([*pip, "-c", str(constraints), "-e", target])
    STAMP.write_text(json.dumps({**state, "extras": wanted}), encoding="utf-8")


def test(arguments: list[str]) -> int:
    """Run the tests that are named; otherwise all: on every core, but those of the window one after another.

    A window must not wait for a core, and what measures how long a start takes must have the machine for itself.
    """
    pytest = [str(PYTHON), "-m", "pytest"]
    if arguments:
        return subprocess.call([*pytest, *arguments], cwd=ROOT)
    alone = [str(Path("tests") / name) for name in ("views", "test_structure.py")]
    others = ["-n", str(min(8, os.cpu_count() or 1)), "--dist", "loadfile", *(f"--ignore={name}" for name in alone)]
    return max(subprocess.call([*pytest, *part], cwd=ROOT) for part in (others, alone))


def check() -> int:
    """Lint, then types and import contracts on an installed copy: the tools do not see mapped folders in place."""
    codes = [
        subprocess.call([str(PYTHON), "-m", "ruff", "check", "."], cwd=ROOT),
        subprocess.call([str(PYTHON), "-m", "ruff", "format", "--check", "."], cwd=ROOT),
    ]
    with tempfile.TemporaryDirectory() as folder:
        pip = [str(PYTHON), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"]
        subprocess.check_call([*pip, "--target", folder, str(ROOT)])
        configuration = ["--config-file", str(ROOT / "pyproject.toml")]
        environment = {**os.environ, "MYPYPATH": folder, "PYTHONPATH": folder}
        mypy = [str(PYTHON), "-m", "mypy", *configuration, "-p", "ais_app"]
        codes.append(subprocess.call(mypy, cwd=folder, env=environment))
        contracts = [str(BIN / "lint-imports"), "--no-logo", "--no-cache", "--config", str(ROOT / "pyproject.toml")]
        codes.append(subprocess.call(contracts, cwd=folder, env=environment))
    return max(codes)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
