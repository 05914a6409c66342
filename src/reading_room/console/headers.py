"""The security headers of every answer from the console's origin, which allow its pages very little."""

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
"""The features that a page can be denied, except writing to the clipboard, which the console's copy buttons do."""


def security_headers(api: str | None) -> Headers:
    """Return the headers for pages that call the APIs at an origin; ``None`` is for an answer that is not a page."""
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
