"""What is open to everybody: the one list. Every other route needs an account."""

from __future__ import annotations

# Paths as they are declared on the routes. A path that ends in "/" opens what lies below it.
PUBLIC_PATHS = frozenset(
    {
        "/",
        "/cerca",
        "/mappa",
        "/e/{code}",
        "/health",
        "/accedi",
        "/accedi/codice",
        "/accedi/dimenticata",
        "/accedi/oidc",
        "/accedi/oidc/ritorno",
        "/invito/{token}",
        "/incarico/{token}",
        "/incarico/appuntamenti/{token}",
        "/privacy",
        "/accessibilita",
        "/note-legali",
        "/crediti",
    }
)
PUBLIC_PREFIXES = ("/static/", "/open/", "/tiles/public/")


def is_public(path: str) -> bool:
    """Whether a route declared as ``path`` is open to everybody."""
    return path in PUBLIC_PATHS or path.startswith(PUBLIC_PREFIXES)
