"""What callers of KMS send beside parameters: ciphertexts, and the markers of pages."""

from __future__ import annotations

from reading_room.kms.ciphertexts import decrypt, parse
from reading_room.kms.errors import InvalidCiphertextException, InvalidMarkerException
from reading_room.kms.keys import Material
from reading_room.kms.pages import page

MATERIAL = Material("00" * 32, bytes(32))


def key_ciphertext(data: bytes) -> None:
    """A ciphertext: none that we did not make is decrypted."""
    try:
        ciphertext = parse(data)
        assert (len(ciphertext.key_id), len(ciphertext.material_id)) == (36, 64)
        decrypt(ciphertext, MATERIAL, {})
    except InvalidCiphertextException:
        return
    raise AssertionError("a made-up ciphertext was decrypted")


def key_marker(data: bytes) -> None:
    """A marker leads to items after the one that it names."""
    items = ["a", "b", "c"]
    try:
        shown, more = page("keys", items, {"Marker": data.decode("latin-1"), "Limit": 1}, str, 1)
    except InvalidMarkerException:
        return
    assert len(shown) <= 1
    assert more["Truncated"] is ("NextMarker" in more)
