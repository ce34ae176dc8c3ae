"""Pages for residents: complete without a script, nothing about flats or persons."""

from __future__ import annotations

from fastapi import APIRouter
from sqlalchemy import text

from geo_service.web.session import Db

router = APIRouter()


@router.get("/health")
def health(session: Db) -> dict[str, str]:
    """Whether the service and its database answer."""
    session.execute(text("select 1"))
    return {"status": "ok"}
