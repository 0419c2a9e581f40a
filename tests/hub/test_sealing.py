"""Sealing: nothing opens without its key and its place, and the hub's own key is made once and kept to its owner."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from hub.errors import KeyWrong, SetupError
from hub.sealing import HubKey, Keyring, Sealer, derived, load_keyring, new_key, save_key_file

SECRET, OTHER = "a" * 40, "b" * 40


@pytest.mark.parametrize("data", [b"", b"short", b"long " * 1000], ids=["empty", "short", "packed"])
def test_what_is_sealed_opens_again_and_looks_like_nothing(data: bytes) -> None:
    sealer = Sealer(new_key())
    sealed = sealer.seal(data, "event 1")
    assert sealer.open(sealed, "event 1") == data
    assert not data or data not in sealed
    assert sealer.seal(data, "event 1") != sealed


def test_long_text_takes_less_room_sealed() -> None:
    assert len(Sealer(new_key()).seal(b"the same again, " * 1000, "event 1")) < 1000


def test_a_sealed_value_does_not_open_in_another_place() -> None:
    sealer = Sealer(new_key())
    with pytest.raises(KeyWrong):
        sealer.open(sealer.seal(b"of one", "event 1"), "event 2")


@pytest.mark.parametrize("at", [0, 1, 20, -1])
def test_a_changed_value_does_not_open(at: int) -> None:
    sealer = Sealer(new_key())
    sealed = bytearray(sealer.seal(b"as it was", "event 1"))
    sealed[at] ^= 1
    with pytest.raises(KeyWrong):
        sealer.open(bytes(sealed), "event 1")


@pytest.mark.parametrize("length", [0, 1, 5, 13, 20])
def test_a_value_that_was_cut_does_not_open(length: int) -> None:
    sealer = Sealer(new_key())
    with pytest.raises(KeyWrong):
        sealer.open(sealer.seal(b"as it was", "event 1")[:length], "event 1")


def test_a_key_for_one_purpose_opens_nothing_of_another() -> None:
    key = new_key()
    sealed = Sealer(derived(key, "seal")).seal(b"of one", "event 1")
    with pytest.raises(KeyWrong):
        Sealer(derived(key, "wrap")).open(sealed, "event 1")


def test_a_short_secret_is_refused_with_the_way_to_make_one() -> None:
    with pytest.raises(SetupError, match="token_hex"):
        HubKey("too short")


@pytest.mark.parametrize("secret", [",", " , "])
def test_a_secret_of_commas_alone_is_refused(secret: str, tmp_path: Path) -> None:
    with pytest.raises(SetupError, match="empty"):
        load_keyring(secret, tmp_path / "secret.key", may_create=True)


def test_the_first_key_seals_and_each_is_found_by_its_name(tmp_path: Path) -> None:
    ring = load_keyring(f"{SECRET}, {OTHER}", tmp_path / "secret.key", may_create=False)
    assert ring.current.id == HubKey(SECRET).id
    assert ring.named(HubKey(OTHER).id).unwrap(HubKey(OTHER).wrap(b"key", "x"), "x") == b"key"


def test_an_unknown_key_is_named_and_not_told() -> None:
    wanted, given = HubKey(OTHER), Keyring([SECRET])
    with pytest.raises(KeyWrong) as caught:
        given.named(wanted.id)
    assert wanted.id in str(caught.value) and given.current.id in str(caught.value)
    assert SECRET not in str(caught.value) and SECRET not in repr(given.current)


def test_the_key_file_is_made_once_and_only_its_owner_reads_it(tmp_path: Path) -> None:
    file = tmp_path / "home" / "secret.key"
    first = load_keyring(None, file, may_create=True)
    assert file.stat().st_mode & 0o777 == 0o600
    assert [path.name for path in file.parent.iterdir()] == ["secret.key"]
    assert load_keyring(None, file, may_create=False).current.id == first.current.id


def test_a_key_file_that_is_written_again_stays_closed_to_others(tmp_path: Path) -> None:
    file = tmp_path / "secret.key"
    file.write_text(SECRET)
    file.chmod(0o644)
    save_key_file(file, [OTHER, SECRET])
    assert file.stat().st_mode & 0o777 == 0o600
    assert file.read_text().split() == [OTHER, SECRET]


def test_a_missing_key_is_never_made_anew_for_a_database_that_is_there(tmp_path: Path) -> None:
    with pytest.raises(SetupError, match=r"Put back the file secret\.key"):
        load_keyring(None, tmp_path / "secret.key", may_create=False)
    assert not list(tmp_path.iterdir())


def test_processes_that_start_together_agree_on_one_key(tmp_path: Path) -> None:
    file = tmp_path / "secret.key"
    code = (
        "import sys; from pathlib import Path; from hub.sealing import load_keyring; sys.stdin.read(1); "
        "print(load_keyring(None, Path(sys.argv[1]), may_create=True).current.id)"
    )
    started = [
        subprocess.Popen(
            [sys.executable, "-c", code, str(file)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for _ in range(4)
    ]
    for process in started:
        assert process.stdin is not None
        process.stdin.write("go")
        process.stdin.flush()
    said = {process.communicate()[0].strip() for process in started}
    assert said == {load_keyring(None, file, may_create=False).current.id}
