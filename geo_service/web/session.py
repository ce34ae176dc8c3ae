"""One database session per request, committed before the answer leaves."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from fastapi import Depends, Request
from sqlalchemy.orm import Session


def db_session(request: Request) -> Iterator[Session]:
    """Session of the request; committed when the route has returned, rolled back on any error."""
    with request.app.state.session_factory() as session:
        yield session
        session.commit()


# By default FastAPI ends a dependency after the answer has left: a failed commit would go
# unnoticed. The function scope ends it before.
Db = Annotated[Session, Depends(db_session, scope="function")]
