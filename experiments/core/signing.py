"""Signature of what a run saves, by which it is known as this user's own wherever its folder has been.

Saved states are pickles, which run code when they are loaded. So each carries a digest with a key that lies
in no sweep folder, and that nobody else has.
"""

from __future__ import annotations

import hmac
import os
import secrets
from contextlib import suppress
from functools import cache
from pathlib import Path

from experiments.core.errors import UserError

BYTES = 32


def signature_of(content: bytes, key: bytes) -> str:
    """Returns the keyed digest of what is to be known again."""
    return hmac.digest(key, content, "sha256").hex()


def is_signed(content: bytes, signature: str | None, key: bytes) -> bool:
    """Returns whether somebody with the key wrote a content."""
    return signature is not None and hmac.compare_digest(
        signature_of(content, key).encode(), signature.encode("utf-8", "replace")
    )


def state_folder() -> Path:
    """Returns where this suite keeps what it knows of its user."""
    folder = os.environ.get("XDG_STATE_HOME") or Path("~", ".local", "state").expanduser()
    return Path(folder, "ppo-sweeps")


def user_key() -> bytes:
    """Returns this user's key, which is made when it is first asked for.

    Where no file can be kept, each process has a key of its own, and the next one does not know its states.

    Raises:
        UserError: The file is there, and is no key.
    """
    path = state_folder() / "key"
    try:
        key = path.read_bytes() if path.exists() else _made(path)
    except OSError:
        return _of_this_process()
    if len(key) != BYTES:
        raise UserError(
            f"{path} has {len(key)} bytes: expected {BYTES}; remove it, and say --trust once to go on with "
            "what was cut off before"
        )
    return key


def _made(path: Path) -> bytes:
    """Makes the file, unless another process is faster, and returns what is in it."""
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    partial = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    try:
        # Written under another name first: nobody reads half a key.
        with os.fdopen(os.open(partial, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb") as file:
            file.write(secrets.token_bytes(BYTES))
        with suppress(FileExistsError):
            path.hardlink_to(partial)
    finally:
        partial.unlink(missing_ok=True)
    return path.read_bytes()


@cache
def _of_this_process() -> bytes:
    return secrets.token_bytes(BYTES)
