"""Makes the secrets of docker-compose.yml; those that are there stay as they are.

Containers read them as users of their own: the files may be read by everybody, the folder by its owner only.
"""

from __future__ import annotations

import base64
import os
import secrets
import sys
from collections.abc import Callable
from pathlib import Path

FOLDER = Path(__file__).with_name("secrets")


def signing_secret() -> str:
    """A secret of 32 random bytes; Standard Webhooks wants 24 to 64."""
    return "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()


CONTENTS: dict[str, Callable[[], str]] = {
    "database_password": lambda: secrets.token_urlsafe(32),
    "signing_secrets": signing_secret,
}


def make(folder: Path) -> list[str]:
    """Make what is missing, and say what that was."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    folder.chmod(0o700)
    made = []
    for name, content in CONTENTS.items():
        try:
            descriptor = os.open(folder / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o444)
        except FileExistsError:
            continue
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            os.fchmod(descriptor, 0o444)  # whatever the umask is
            file.write(content() + "\n")
        made.append(name)
    return made


def main() -> int:
    """Make them in the folder that docker-compose.yml names."""
    try:
        made = make(FOLDER)
    except OSError as error:
        print(f"secrets: {error}", file=sys.stderr)
        return 1
    print(f"made {', '.join(made)} in {FOLDER}" if made else f"nothing to do: all secrets are in {FOLDER}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
