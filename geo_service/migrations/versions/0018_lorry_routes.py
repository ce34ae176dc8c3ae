"""The way that the lorries of a phase take."""

import sqlalchemy as sa
from alembic import op
from geoalchemy2 import Geometry

from layers.crs import SRID

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "phase_revision",
        sa.Column(
            "lorry_route",
            Geometry(
                geometry_type="LINESTRING", srid=SRID, dimension=2, spatial_index=False,
                from_text="ST_GeomFromEWKT", name="geometry",
            ),
            nullable=True,
        ),
    )  # fmt: skip
    op.create_index(
        "ix_phase_revision_lorry_route", "phase_revision", ["lorry_route"],
        postgresql_using="gist",
    )  # fmt: skip


def downgrade() -> None:
    op.drop_column("phase_revision", "lorry_route")
