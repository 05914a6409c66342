"""What every answer from the console's origin says to the browser: what a page here may do, which is little."""

from __future__ import annotations

from reading_room.aws.receive import Headers

_FEATURES = (
    *("accelerometer", "ambient-light-sensor", "attribution-reporting", "autoplay", "battery", "bluetooth"),
    *("browsing-topics", "camera", "clipboard-read", "compute-pressure", "display-capture", "document-domain"),
    *("encrypted-media", "fullscreen", "gamepad", "geolocation", "gyroscope", "hid", "identity-credentials-get"),
    *("idle-detection", "interest-cohort", "join-ad-interest-group", "keyboard-map", "local-fonts", "magnetometer"),
    *("microphone", "midi", "otp-credentials", "payment", "picture-in-picture", "publickey-credentials-create"),
    *("publickey-credentials-get", "run-ad-auction", "screen-wake-lock", "serial", "speaker-selection"),
    *("storage-access", "sync-xhr", "unload", "usb", "web-share", "window-management", "xr-spatial-tracking"),
)
"""The features that a page may be denied, but for writing to the clipboard: the console's copy buttons do that."""


def security_headers(api: str | None) -> Headers:
    """Return the headers for pages that speak with the APIs at an origin; ``None`` for an answer that is no page."""
    connect = f"'self' {api}" if api is not None else "'none'"
    policy = (
        *("default-src 'none'", "script-src 'self'", "style-src 'self'", "img-src 'self' data: blob:"),
        *("font-src 'self' data:", f"connect-src {connect}", "worker-src 'self' blob:", "form-action 'none'"),
        *("base-uri 'none'", "frame-ancestors 'none'"),
    )
    return (
        ("content-security-policy", "; ".join(policy)),
        ("x-content-type-options", "nosniff"),
        ("referrer-policy", "no-referrer"),
        ("cross-origin-opener-policy", "same-origin"),
        ("cross-origin-resource-policy", "same-origin"),
        ("permissions-policy", ", ".join(f"{feature}=()" for feature in _FEATURES)),
        ("x-frame-options", "DENY"),
    )
