"""Sealing: what is personal is encrypted with a person's own key, that with the workspace's, that with the hub's.

Deleting a person's key makes everything sealed with it unreadable, wherever it was copied to.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import tempfile
import zlib
from contextlib import suppress
from pathlib import Path

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from .errors import KeyWrong, SetupError

KEY_BYTES = 32
_NONCE, _HASH_BYTES = 12, 16
_PLAIN, _PACKED = b"\x01", b"\x02"
_WORTH_PACKING = 256
_LEVEL = 3  # as fast as the lowest, and of two orders that are packed so, two fit on a page of SQLite's


def new_key() -> bytes:
    return os.urandom(KEY_BYTES)


def derived(key: bytes, purpose: str) -> bytes:
    """A key for one purpose, so that no key serves two."""
    return hashlib.blake2b(purpose.encode(), key=key, digest_size=KEY_BYTES, person=b"regulars").digest()


class Sealer:
    """Seals and opens with one key. `about` names the place of a value, so that none can be put in another's place."""

    __slots__ = ("_cipher",)

    def __init__(self, key: bytes) -> None:
        self._cipher = AESGCM(key)

    def seal(self, data: bytes, about: str, *, packs: bool = True) -> bytes:
        """Seals data, made smaller where that is worth it, unless it is kept for a moment only."""
        kind = _PLAIN
        if packs and len(data) >= _WORTH_PACKING:
            kind, data = _PACKED, zlib.compress(data, _LEVEL)
        nonce = os.urandom(_NONCE)
        return kind + nonce + self._cipher.encrypt(nonce, data, kind + about.encode())

    def open(self, sealed: bytes, about: str) -> bytes:
        """What was sealed. Raises KeyWrong if this is not the key, the place or the value it was."""
        kind, nonce, body = sealed[:1], sealed[1 : 1 + _NONCE], sealed[1 + _NONCE :]
        try:
            data = self._cipher.decrypt(nonce, body, kind + about.encode())
        except (InvalidTag, ValueError):
            raise KeyWrong(
                "A sealed value could not be opened: it was sealed with another key, or was changed."
            ) from None
        return zlib.decompress(data) if kind == _PACKED else data


class HubKey:
    """The key above all others, from the environment or its file. `id` names it without telling it."""

    def __init__(self, secret: str) -> None:
        # Whatever its length, a secret that people copy about becomes 32 bytes; a short one is refused.
        if len(secret) < 32:
            raise SetupError(
                "The secret key is too short. Make one with: python3 -c 'import secrets; print(secrets.token_hex(32))'"
            )
        key = hashlib.sha256(secret.encode()).digest()
        self.id = derived(key, "id").hex()[:16]
        self._sealer = Sealer(derived(key, "wrap"))
        self._proof = derived(key, "proof")

    def wrap(self, key: bytes, about: str) -> bytes:
        return self._sealer.seal(key, about)

    def unwrap(self, wrapped: bytes, about: str) -> bytes:
        return self._sealer.open(wrapped, about)

    def hashed(self, purpose: str, word: str) -> bytes:
        """Sixteen bytes that are kept of a word that lets somebody in. What is kept for one purpose is none for
        another."""
        return self.proof(f"{purpose}\x1f{word}".encode(errors="replace"))[:_HASH_BYTES]

    def proof(self, data: bytes) -> bytes:
        """Thirty-two bytes that only this key can make for this data."""
        return hmac.digest(self._proof, data, "sha256")


class Keyring:
    """The hub's keys: the first seals, the others still open what they sealed until `hub keys rotate` is done."""

    def __init__(self, secrets: list[str]) -> None:
        if not secrets:
            raise SetupError("The secret key is empty. Put back HUB_SECRET_KEY, or secret.key, as it was.")
        self.keys = [HubKey(secret) for secret in secrets]

    @property
    def current(self) -> HubKey:
        return self.keys[0]

    def named(self, key_id: str) -> HubKey:
        """The key of this id. Raises KeyWrong."""
        for key in self.keys:
            if key.id == key_id:
                return key
        raise KeyWrong(
            f"This database was sealed with the secret key {key_id}, but the key given is {self.current.id}. "
            "Nothing was changed. Set HUB_SECRET_KEY, or put back secret.key, as it was when the database was made "
            "(it is in your recovery notes, not in the backup), and start again."
        )


def load_keyring(secret: str | None, file: Path, *, may_create: bool) -> Keyring:
    """The keys from HUB_SECRET_KEY (several, newest first, separated by commas), else from the key file.

    The file is made, readable by its owner alone, if `may_create`. Raises SetupError if there is no key.
    """
    if secret:
        return Keyring([part.strip() for part in secret.split(",") if part.strip()])
    if file.exists():
        return Keyring(file.read_text().split())
    if not may_create:
        raise SetupError(
            f"There is no secret key for this database. Put back the file {file.name} in {file.parent}, or set "
            "HUB_SECRET_KEY to the key that it was made with. For a new database, set HUB_SECRET_KEY to at least 32 "
            "characters by chance, the same on every machine of this hub, and keep a copy somewhere safe."
        )
    _make_key_file(file)
    return Keyring(file.read_text().split())


def save_key_file(file: Path, secrets: list[str]) -> None:
    """Writes the key file in one go, readable by its owner alone, and on the disk before this returns."""
    _written_beside(file, secrets).rename(file)
    _sync(file.parent)


def _make_key_file(file: Path) -> None:
    """Makes the key file with a new key, unless another process was faster: then its key counts."""
    fresh = _written_beside(file, [new_key().hex()])
    with suppress(FileExistsError):
        os.link(fresh, file)
    fresh.unlink()
    _sync(file.parent)


def _written_beside(file: Path, secrets: list[str]) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    number, name = tempfile.mkstemp(prefix=f"{file.name}.", dir=file.parent)  # which its owner alone can read
    with os.fdopen(number, "w") as out:
        out.write("\n".join(secrets) + "\n")
        out.flush()
        os.fsync(out.fileno())
    return Path(name)


def _sync(folder: Path) -> None:
    opened = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
