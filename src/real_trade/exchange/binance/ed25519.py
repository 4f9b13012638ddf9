"""Keys of who signs by Ed25519."""

from __future__ import annotations

import base64
import binascii


def public_key(text: str) -> bytes | None:
    """Read a public key as it is given to the venue: base64, without the lines of a PEM file.

    Returns:
        its 32 bytes; None where the text is something else, such as an HMAC secret.
    """
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    from cryptography.hazmat.primitives.serialization import load_der_public_key

    raw = _unpacked(text)
    try:
        key = load_der_public_key(raw)
    except (ValueError, UnsupportedAlgorithm):
        return None
    return key.public_bytes_raw() if isinstance(key, Ed25519PublicKey) else None


def is_signed(public: bytes, message: bytes, signature: str) -> bool:
    """Tell whether a signature, in base64, is this key's for this message."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    try:
        Ed25519PublicKey.from_public_bytes(public).verify(_unpacked(signature), message)
    except (InvalidSignature, ValueError):
        return False
    return True


def _unpacked(text: str) -> bytes:
    """Return what base64 says; nothing where it is not base64."""
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return b""
