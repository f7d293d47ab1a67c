"""``ais-app``: the command line."""

from __future__ import annotations

import sys


def main() -> None:
    """Run ``ais-app`` with the arguments of this process and leave with its exit code; without any, open the window."""
    from ais_app.cli.app import run

    sys.exit(run(sys.argv[1:] or ["gui"]))


if __name__ == "__main__":
    main()
