"""Security headers of the operations centre: no foreign resources, no framing, no referrer."""

from __future__ import annotations

from urllib.parse import urlsplit


def security_headers(tiles_url: str = "", *, https: bool = False) -> list[tuple[bytes, bytes]]:
    """Return the headers of every page and file; `tiles_url` adds the origin of the tiles that an operator chose."""
    foreign = ""
    if "://" in tiles_url:
        parts = urlsplit(tiles_url.replace("{", "%7B").replace("}", "%7D"))
        foreign = f" {parts.scheme}://{parts.netloc}"
    policy = "; ".join(
        [
            "default-src 'self'",
            f"connect-src 'self'{foreign}",
            f"img-src 'self' data: blob:{foreign}",
            "style-src 'self' 'unsafe-inline'",
            "worker-src 'self' blob:",
            "object-src 'none'",
            "base-uri 'self'",
            "form-action 'self'",
            "frame-ancestors 'none'",
        ]
    )
    headers = [
        (b"content-security-policy", policy.encode()),
        (b"x-content-type-options", b"nosniff"),
        (b"referrer-policy", b"no-referrer"),
        (b"cross-origin-opener-policy", b"same-origin"),
        (b"permissions-policy", b"camera=(), microphone=(), payment=(), usb=()"),
    ]
    if https:
        headers.append((b"strict-transport-security", b"max-age=31536000"))
    return headers
