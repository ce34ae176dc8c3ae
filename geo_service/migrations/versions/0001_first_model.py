"""Quarters, buildings, sites, revisions, impacts, households, accounts, job queue."""

import sqlalchemy as sa
from alembic import op
from geoalchemy2 import Geometry
from procrastinate.schema import SchemaManager
from sqlalchemy.dialects import postgresql

from layers.crs import SRID

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


EXTENSIONS = ("postgis", "pg_trgm", "btree_gist")

# A revision is what somebody may have been told: it is replaced by a new one, never edited.
IMMUTABLE_REVISION = """
create function phase_revision_is_immutable() returns trigger language plpgsql as $$
begin
    raise exception 'a phase revision is never changed; record a new one'
        using errcode = 'integrity_constraint_violation';
end $$;
create trigger phase_revision_is_immutable before update on phase_revision
    for each row execute function phase_revision_is_immutable();
"""

# The revisions of each site's newest schedule version.
REVISION_IN_FORCE = """
create view revision_in_force as
select r.id as revision_id, r.phase_id, v.site_id, s.quarter_id, v.id as version_id
from schedule_version v
join site s on s.id = v.site_id
join schedule_version_revision vr on vr.version_id = v.id
join phase_revision r on r.id = vr.revision_id
where v.number = (select max(n.number) from schedule_version n where n.site_id = v.site_id)
"""


def upgrade() -> None:
    for extension in EXTENSIONS:
        op.execute(f"create extension if not exists {extension}")
    op.create_table(
        "account",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("email", sa.String(length=200), nullable=False),
        sa.Column("role", sa.String(length=20), nullable=False),
        sa.Column("password_hash", sa.String(length=200), nullable=False),
        sa.Column("disabled", sa.Boolean(), server_default="false", nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.CheckConstraint(
            "role in ('administrator', 'coordinator', 'operator', 'office', 'works', 'committee', 'delegate')",
            name=op.f("ck_account_role"),
        ),
        sa.CheckConstraint("email = lower(email)", name=op.f("ck_account_email_lower")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_account")),
        sa.UniqueConstraint("email", name=op.f("uq_account_email")),
    )
    op.create_table(
        "quarter",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("code", sa.String(length=40), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("municipality", sa.String(length=200), server_default="", nullable=False),
        sa.Column(
            "boundary",
            Geometry(
                geometry_type="MULTIPOLYGON",
                srid=SRID,
                dimension=2,
                spatial_index=False,
                from_text="ST_GeomFromEWKT",
                name="geometry",
            ),
            nullable=True,
        ),
        sa.Column("synthetic", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column(
            "settings",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'{}'::jsonb"),
            nullable=False,
        ),
        sa.Column("map_version", sa.BigInteger(), server_default=sa.text("1"), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.CheckConstraint("code ~ '^[a-z0-9-]{1,40}$'", name=op.f("ck_quarter_code_form")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_quarter")),
        sa.UniqueConstraint("code", name=op.f("uq_quarter_code")),
    )
    op.create_table(
        "sign_in_attempt",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("key_hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column(
            "at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sign_in_attempt")),
    )
    op.create_index(
        op.f("ix_sign_in_attempt_key_hash"), "sign_in_attempt", ["key_hash"], unique=False
    )
    op.create_table(
        "account_session",
        sa.Column("token_hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["account.id"],
            name=op.f("fk_account_session_account_id_account"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("token_hash", name=op.f("pk_account_session")),
    )
    op.create_index(
        op.f("ix_account_session_account_id"), "account_session", ["account_id"], unique=False
    )
    op.create_table(
        "building",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("quarter_id", sa.BigInteger(), nullable=False),
        sa.Column("source_id", sa.String(length=200), nullable=False),
        sa.Column("code", sa.String(length=12), nullable=False),
        sa.Column("name", sa.String(length=200), server_default="", nullable=False),
        sa.Column(
            "footprint",
            Geometry(
                geometry_type="MULTIPOLYGON",
                srid=SRID,
                dimension=2,
                spatial_index=False,
                from_text="ST_GeomFromEWKT",
                name="geometry",
                nullable=False,
            ),
            nullable=False,
        ),
        sa.Column(
            "geom3857",
            Geometry(
                geometry_type="MULTIPOLYGON",
                srid=3857,
                dimension=2,
                spatial_index=False,
                from_text="ST_GeomFromEWKT",
                name="geometry",
                nullable=False,
            ),
            sa.Computed("ST_Transform(footprint, 3857)", persisted=True),
            nullable=False,
        ),
        sa.Column("height_m", sa.Double(), nullable=True),
        sa.Column("storeys", sa.SmallInteger(), nullable=True),
        sa.Column("use", sa.String(length=20), server_default="unknown", nullable=False),
        sa.Column("owner", sa.String(length=200), server_default="", nullable=False),
        sa.Column("acoustic_class", sa.String(length=3), nullable=True),
        sa.Column("flats_declared", sa.Integer(), nullable=True),
        sa.Column("opened_on", sa.Date(), server_default=sa.text("'1900-01-01'"), nullable=False),
        sa.Column("closed_on", sa.Date(), nullable=True),
        sa.Column("successor_id", sa.BigInteger(), nullable=True),
        sa.CheckConstraint(
            "acoustic_class in ('I','II','III','IV','V','VI')",
            name=op.f("ck_building_acoustic_class"),
        ),
        sa.CheckConstraint(
            "closed_on is null or closed_on >= opened_on", name=op.f("ck_building_lifetime")
        ),
        sa.CheckConstraint("height_m > 0 and height_m <= 400", name=op.f("ck_building_height_m")),
        sa.CheckConstraint("storeys between 1 and 130", name=op.f("ck_building_storeys")),
        sa.ForeignKeyConstraint(
            ["quarter_id"],
            ["quarter.id"],
            name=op.f("fk_building_quarter_id_quarter"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["successor_id"], ["building.id"], name=op.f("fk_building_successor_id_building")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_building")),
        sa.UniqueConstraint("code", name=op.f("uq_building_code")),
        sa.UniqueConstraint(
            "quarter_id", "source_id", name=op.f("uq_building_quarter_id_source_id")
        ),
    )
    op.create_index(
        "ix_building_footprint", "building", ["footprint"], unique=False, postgresql_using="gist"
    )
    op.create_index(
        "ix_building_geom3857", "building", ["geom3857"], unique=False, postgresql_using="gist"
    )
    op.create_table(
        "household",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("quarter_id", sa.BigInteger(), nullable=False),
        sa.Column("code", sa.String(length=60), nullable=False),
        sa.Column("language", sa.String(length=3), server_default="it", nullable=False),
        sa.Column("size", sa.SmallInteger(), nullable=True),
        sa.Column("channel", sa.String(length=20), server_default="letter", nullable=False),
        sa.Column("protected", sa.Boolean(), server_default="false", nullable=False),
        sa.Column("row_version", sa.Integer(), server_default="1", nullable=False),
        sa.CheckConstraint(
            "channel in ('letter', 'phone', 'sms', 'email', 'visit')",
            name=op.f("ck_household_channel"),
        ),
        sa.CheckConstraint("language ~ '^[a-z]{2,3}$'", name=op.f("ck_household_language")),
        sa.CheckConstraint("size between 1 and 30", name=op.f("ck_household_size")),
        sa.ForeignKeyConstraint(
            ["quarter_id"],
            ["quarter.id"],
            name=op.f("fk_household_quarter_id_quarter"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_household")),
        sa.UniqueConstraint("quarter_id", "code", name=op.f("uq_household_quarter_id_code")),
    )
    op.create_table(
        "path",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("quarter_id", sa.BigInteger(), nullable=False),
        sa.Column("source_id", sa.String(length=200), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("name", sa.String(length=200), server_default="", nullable=False),
        sa.Column(
            "geom",
            Geometry(
                geometry_type="LINESTRING",
                srid=SRID,
                dimension=2,
                spatial_index=False,
                from_text="ST_GeomFromEWKT",
                name="geometry",
                nullable=False,
            ),
            nullable=False,
        ),
        sa.Column(
            "geom3857",
            Geometry(
                geometry_type="LINESTRING",
                srid=3857,
                dimension=2,
                spatial_index=False,
                from_text="ST_GeomFromEWKT",
                name="geometry",
                nullable=False,
            ),
            sa.Computed("ST_Transform(geom, 3857)", persisted=True),
            nullable=False,
        ),
        sa.Column("width_m", sa.Double(), nullable=True),
        sa.Column("slope_pct", sa.Double(), nullable=True),
        sa.Column("cross_slope_pct", sa.Double(), nullable=True),
        sa.Column("steps", sa.SmallInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("kerb_cm", sa.Double(), nullable=True),
        sa.Column("headroom_m", sa.Double(), nullable=True),
        sa.CheckConstraint(
            "kind in ('footway', 'crossing', 'steps', 'ramp', 'street', 'cycleway', 'courtyard')",
            name=op.f("ck_path_kind"),
        ),
        sa.CheckConstraint("steps >= 0", name=op.f("ck_path_steps")),
        sa.CheckConstraint("width_m > 0 and width_m < 100", name=op.f("ck_path_width_m")),
        sa.ForeignKeyConstraint(
            ["quarter_id"],
            ["quarter.id"],
            name=op.f("fk_path_quarter_id_quarter"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_path")),
        sa.UniqueConstraint("quarter_id", "source_id", name=op.f("uq_path_quarter_id_source_id")),
    )
    op.create_index("ix_path_geom", "path", ["geom"], unique=False, postgresql_using="gist")
    op.create_index("ix_path_geom3857", "path", ["geom3857"], unique=False, postgresql_using="gist")
    op.create_table(
        "site",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("quarter_id", sa.BigInteger(), nullable=False),
        sa.Column("code", sa.String(length=20), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("client", sa.String(length=200), server_default="", nullable=False),
        sa.Column("cup", sa.String(length=15), nullable=True),
        sa.Column("cig", sa.String(length=10), nullable=True),
        sa.Column(
            "footprint",
            Geometry(
                geometry_type="MULTIPOLYGON",
                srid=SRID,
                dimension=2,
                spatial_index=False,
                from_text="ST_GeomFromEWKT",
                name="geometry",
                nullable=False,
            ),
            nullable=False,
        ),
        sa.Column("archived_on", sa.Date(), nullable=True),
        sa.CheckConstraint("cig ~ '^[A-Z0-9]{10}$'", name=op.f("ck_site_cig")),
        sa.CheckConstraint("cup ~ '^[A-Z0-9]{15}$'", name=op.f("ck_site_cup")),
        sa.ForeignKeyConstraint(
            ["quarter_id"],
            ["quarter.id"],
            name=op.f("fk_site_quarter_id_quarter"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_site")),
        sa.UniqueConstraint("quarter_id", "code", name=op.f("uq_site_quarter_id_code")),
    )
    op.create_index(
        "ix_site_footprint", "site", ["footprint"], unique=False, postgresql_using="gist"
    )
    op.create_table(
        "address_point",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("quarter_id", sa.BigInteger(), nullable=False),
        sa.Column("building_id", sa.BigInteger(), nullable=True),
        sa.Column("source_id", sa.String(length=200), nullable=False),
        sa.Column("street", sa.String(length=200), nullable=False),
        sa.Column("house_number", sa.String(length=30), server_default="", nullable=False),
        sa.Column("postcode", sa.String(length=10), server_default="", nullable=False),
        sa.Column("city", sa.String(length=100), server_default="", nullable=False),
        sa.Column(
            "point",
            Geometry(
                geometry_type="POINT",
                srid=SRID,
                dimension=2,
                spatial_index=False,
                from_text="ST_GeomFromEWKT",
                name="geometry",
                nullable=False,
            ),
            nullable=False,
        ),
        sa.Column("search_key", sa.String(length=300), nullable=False),
        sa.ForeignKeyConstraint(
            ["building_id"],
            ["building.id"],
            name=op.f("fk_address_point_building_id_building"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["quarter_id"],
            ["quarter.id"],
            name=op.f("fk_address_point_quarter_id_quarter"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_address_point")),
        sa.UniqueConstraint(
            "quarter_id", "source_id", name=op.f("uq_address_point_quarter_id_source_id")
        ),
    )
    op.create_index(
        op.f("ix_address_point_building_id"), "address_point", ["building_id"], unique=False
    )
    op.create_index(
        "ix_address_point_point", "address_point", ["point"], unique=False, postgresql_using="gist"
    )
    op.create_index(
        "ix_address_point_search_key",
        "address_point",
        ["search_key"],
        unique=False,
        postgresql_using="gin",
        postgresql_ops={"search_key": "gin_trgm_ops"},
    )
    op.create_table(
        "household_contact",
        sa.Column("household_id", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.String(length=200), server_default="", nullable=False),
        sa.Column("phone", sa.String(length=40), server_default="", nullable=False),
        sa.Column("email", sa.String(length=200), server_default="", nullable=False),
        sa.ForeignKeyConstraint(
            ["household_id"],
            ["household.id"],
            name=op.f("fk_household_contact_household_id_household"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("household_id", name=op.f("pk_household_contact")),
    )
    op.create_table(
        "need",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("household_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(length=40), nullable=False),
        sa.Column("note", sa.Text(), server_default="", nullable=False),
        sa.Column("purpose", sa.String(length=200), nullable=False),
        sa.Column("legal_basis", sa.String(length=200), nullable=False),
        sa.Column("review_on", sa.Date(), nullable=False),
        sa.ForeignKeyConstraint(
            ["household_id"],
            ["household.id"],
            name=op.f("fk_need_household_id_household"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_need")),
    )
    op.create_index(op.f("ix_need_household_id"), "need", ["household_id"], unique=False)
    op.create_table(
        "schedule_version",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("site_id", sa.BigInteger(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column(
            "recorded_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("author", sa.String(length=200), server_default="", nullable=False),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.ForeignKeyConstraint(
            ["site_id"],
            ["site.id"],
            name=op.f("fk_schedule_version_site_id_site"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_schedule_version")),
        sa.UniqueConstraint("site_id", "number", name=op.f("uq_schedule_version_site_id_number")),
    )
    op.create_table(
        "works_phase",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("site_id", sa.BigInteger(), nullable=False),
        sa.Column("code", sa.String(length=20), nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.ForeignKeyConstraint(
            ["site_id"], ["site.id"], name=op.f("fk_works_phase_site_id_site"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_works_phase")),
        sa.UniqueConstraint("site_id", "code", name=op.f("uq_works_phase_site_id_code")),
    )
    op.create_table(
        "permit",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("phase_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(length=30), nullable=False),
        sa.Column("issuer", sa.String(length=200), server_default="", nullable=False),
        sa.Column("number", sa.String(length=100), server_default="", nullable=False),
        sa.Column("period", postgresql.DATERANGE(), nullable=True),
        sa.Column("state", sa.String(length=20), server_default="to_request", nullable=False),
        sa.Column(
            "conditions",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'{}'::jsonb"),
            nullable=False,
        ),
        sa.CheckConstraint(
            "kind in ('noise_derogation', 'traffic_order', 'public_ground', 'asbestos_plan')",
            name=op.f("ck_permit_kind"),
        ),
        sa.CheckConstraint(
            "state in ('to_request', 'pending', 'granted', 'refused', 'expired')",
            name=op.f("ck_permit_state"),
        ),
        sa.CheckConstraint("not isempty(period)", name=op.f("ck_permit_period_not_empty")),
        sa.ForeignKeyConstraint(
            ["phase_id"],
            ["works_phase.id"],
            name=op.f("fk_permit_phase_id_works_phase"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_permit")),
    )
    op.create_index(op.f("ix_permit_phase_id"), "permit", ["phase_id"], unique=False)
    op.create_table(
        "phase_revision",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("phase_id", sa.BigInteger(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("preset", sa.String(length=60), nullable=True),
        sa.Column("description", sa.Text(), server_default="", nullable=False),
        sa.Column("contractor", sa.String(length=200), server_default="", nullable=False),
        sa.Column("period", postgresql.DATERANGE(), nullable=False),
        sa.Column("certainty", sa.String(length=20), server_default="estimated", nullable=False),
        sa.Column(
            "footprint",
            Geometry(
                geometry_type="MULTIPOLYGON",
                srid=SRID,
                dimension=2,
                spatial_index=False,
                from_text="ST_GeomFromEWKT",
                name="geometry",
                nullable=False,
            ),
            nullable=False,
        ),
        sa.Column("indoor", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column(
            "dust_activities",
            postgresql.ARRAY(sa.String(length=20)),
            server_default=sa.text("'{}'"),
            nullable=False,
        ),
        sa.Column("volume_m3", sa.Double(), nullable=True),
        sa.Column("trucks_per_day", sa.Integer(), nullable=True),
        sa.Column(
            "recorded_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("author", sa.String(length=200), server_default="", nullable=False),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.CheckConstraint(
            "certainty in ('estimated', 'confirmed')", name=op.f("ck_phase_revision_certainty")
        ),
        sa.CheckConstraint(
            "dust_activities <@ ARRAY['demolition','earthworks','construction','trackout']::varchar[]",
            name=op.f("ck_phase_revision_dust_activities"),
        ),
        sa.CheckConstraint(
            "lower(period) is not null and upper(period) is not null",
            name=op.f("ck_phase_revision_period_bounded"),
        ),
        sa.CheckConstraint("not isempty(period)", name=op.f("ck_phase_revision_period_not_empty")),
        sa.CheckConstraint("trucks_per_day >= 0", name=op.f("ck_phase_revision_trucks_per_day")),
        sa.CheckConstraint("volume_m3 > 0", name=op.f("ck_phase_revision_volume_m3")),
        sa.ForeignKeyConstraint(
            ["phase_id"],
            ["works_phase.id"],
            name=op.f("fk_phase_revision_phase_id_works_phase"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_phase_revision")),
        sa.UniqueConstraint("phase_id", "number", name=op.f("uq_phase_revision_phase_id_number")),
    )
    op.create_index(
        "ix_phase_revision_footprint",
        "phase_revision",
        ["footprint"],
        unique=False,
        postgresql_using="gist",
    )
    op.create_index(
        "ix_phase_revision_period",
        "phase_revision",
        ["period"],
        unique=False,
        postgresql_using="gist",
    )
    op.create_table(
        "stairwell",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("building_id", sa.BigInteger(), nullable=False),
        sa.Column("label", sa.String(length=30), nullable=False),
        sa.Column(
            "entrance",
            Geometry(
                geometry_type="POINT",
                srid=SRID,
                dimension=2,
                spatial_index=False,
                from_text="ST_GeomFromEWKT",
                name="geometry",
            ),
            nullable=True,
        ),
        sa.Column("lift", sa.Boolean(), nullable=True),
        sa.Column("step_free", sa.Boolean(), nullable=True),
        sa.Column("address_point_id", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["address_point_id"],
            ["address_point.id"],
            name=op.f("fk_stairwell_address_point_id_address_point"),
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(
            ["building_id"],
            ["building.id"],
            name=op.f("fk_stairwell_building_id_building"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stairwell")),
        sa.UniqueConstraint("building_id", "label", name=op.f("uq_stairwell_building_id_label")),
    )
    op.create_index(
        "ix_stairwell_entrance", "stairwell", ["entrance"], unique=False, postgresql_using="gist"
    )
    op.create_table(
        "closure",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("revision_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("description", sa.Text(), server_default="", nullable=False),
        sa.Column(
            "geom",
            Geometry(
                geometry_type="MULTIPOLYGON",
                srid=SRID,
                dimension=2,
                spatial_index=False,
                from_text="ST_GeomFromEWKT",
                name="geometry",
                nullable=False,
            ),
            nullable=False,
        ),
        sa.Column("period", postgresql.DATERANGE(), nullable=True),
        sa.Column("stalls", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("disabled_stalls", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.CheckConstraint(
            "kind in ('footway', 'carriageway', 'courtyard', 'entrance', 'parking')",
            name=op.f("ck_closure_kind"),
        ),
        sa.CheckConstraint(
            "disabled_stalls >= 0 and disabled_stalls <= stalls",
            name=op.f("ck_closure_disabled_stalls"),
        ),
        sa.CheckConstraint("not isempty(period)", name=op.f("ck_closure_period_not_empty")),
        sa.CheckConstraint("stalls >= 0", name=op.f("ck_closure_stalls")),
        sa.ForeignKeyConstraint(
            ["revision_id"],
            ["phase_revision.id"],
            name=op.f("fk_closure_revision_id_phase_revision"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_closure")),
    )
    op.create_index("ix_closure_geom", "closure", ["geom"], unique=False, postgresql_using="gist")
    op.create_index(op.f("ix_closure_revision_id"), "closure", ["revision_id"], unique=False)
    op.create_table(
        "flat",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("stairwell_id", sa.BigInteger(), nullable=False),
        sa.Column("number", sa.String(length=30), nullable=False),
        sa.Column("storey", sa.SmallInteger(), nullable=True),
        sa.Column("rooms", sa.SmallInteger(), nullable=True),
        sa.Column("area_m2", sa.Numeric(precision=8, scale=2, asdecimal=False), nullable=True),
        sa.Column("step_free", sa.Boolean(), nullable=True),
        sa.Column("exposures", postgresql.ARRAY(sa.String(length=2)), nullable=True),
        sa.Column("use", sa.String(length=20), server_default="dwelling", nullable=False),
        sa.Column("sold", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("opened_on", sa.Date(), server_default=sa.text("'1900-01-01'"), nullable=False),
        sa.Column("closed_on", sa.Date(), nullable=True),
        sa.CheckConstraint(
            "exposures is null or (cardinality(exposures) between 1 and 8 and exposures <@ ARRAY['N','NE','E','SE','S','SW','W','NW']::varchar[])",
            name=op.f("ck_flat_exposures"),
        ),
        sa.CheckConstraint(
            "use in ('dwelling','shop','office','association','other')", name=op.f("ck_flat_use")
        ),
        sa.CheckConstraint("area_m2 > 0", name=op.f("ck_flat_area_m2")),
        sa.CheckConstraint("rooms between 1 and 30", name=op.f("ck_flat_rooms")),
        sa.CheckConstraint("storey between -3 and 130", name=op.f("ck_flat_storey")),
        sa.ForeignKeyConstraint(
            ["stairwell_id"],
            ["stairwell.id"],
            name=op.f("fk_flat_stairwell_id_stairwell"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_flat")),
        sa.UniqueConstraint("stairwell_id", "number", name=op.f("uq_flat_stairwell_id_number")),
    )
    op.create_table(
        "impact_run",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("revision_id", sa.BigInteger(), nullable=False),
        sa.Column("engine_version", sa.String(length=40), nullable=False),
        sa.Column(
            "computed_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("in_force", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("methods", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("seconds", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(
            ["revision_id"],
            ["phase_revision.id"],
            name=op.f("fk_impact_run_revision_id_phase_revision"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_impact_run")),
    )
    op.create_index("ix_impact_run_revision_id", "impact_run", ["revision_id"], unique=False)
    op.create_index(
        "uq_impact_run_in_force",
        "impact_run",
        ["revision_id"],
        unique=True,
        postgresql_where=sa.text("in_force"),
    )
    op.create_table(
        "phase_confirmation",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("revision_id", sa.BigInteger(), nullable=False),
        sa.Column("confirmed_on", sa.Date(), nullable=False),
        sa.Column("author", sa.String(length=200), server_default="", nullable=False),
        sa.ForeignKeyConstraint(
            ["revision_id"],
            ["phase_revision.id"],
            name=op.f("fk_phase_confirmation_revision_id_phase_revision"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_phase_confirmation")),
    )
    op.create_index(
        op.f("ix_phase_confirmation_revision_id"),
        "phase_confirmation",
        ["revision_id"],
        unique=False,
    )
    op.create_table(
        "plant_item",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("revision_id", sa.BigInteger(), nullable=False),
        sa.Column("machine", sa.String(length=60), nullable=False),
        sa.Column("count", sa.SmallInteger(), server_default=sa.text("1"), nullable=False),
        sa.Column("on_time", sa.Double(), server_default=sa.text("1"), nullable=False),
        sa.Column("lwa_declared_db", sa.Double(), nullable=True),
        sa.Column("power_kw", sa.Double(), nullable=True),
        sa.Column("mass_kg", sa.Double(), nullable=True),
        sa.Column("height_m", sa.Double(), nullable=True),
        sa.CheckConstraint("count between 1 and 100", name=op.f("ck_plant_item_count")),
        sa.CheckConstraint("height_m between 0 and 200", name=op.f("ck_plant_item_height_m")),
        sa.CheckConstraint(
            "lwa_declared_db between 30 and 150", name=op.f("ck_plant_item_lwa_declared_db")
        ),
        sa.CheckConstraint("on_time > 0 and on_time <= 1", name=op.f("ck_plant_item_on_time")),
        sa.CheckConstraint(
            "power_kw > 0 and power_kw <= 5000", name=op.f("ck_plant_item_power_kw")
        ),
        sa.ForeignKeyConstraint(
            ["revision_id"],
            ["phase_revision.id"],
            name=op.f("fk_plant_item_revision_id_phase_revision"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_plant_item")),
    )
    op.create_index(op.f("ix_plant_item_revision_id"), "plant_item", ["revision_id"], unique=False)
    op.create_table(
        "revision_building",
        sa.Column("revision_id", sa.BigInteger(), nullable=False),
        sa.Column("building_id", sa.BigInteger(), nullable=False),
        sa.Column("role", sa.String(length=20), nullable=False),
        sa.CheckConstraint(
            "role in ('works', 'scaffold', 'demolition')", name=op.f("ck_revision_building_role")
        ),
        sa.ForeignKeyConstraint(
            ["building_id"],
            ["building.id"],
            name=op.f("fk_revision_building_building_id_building"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["revision_id"],
            ["phase_revision.id"],
            name=op.f("fk_revision_building_revision_id_phase_revision"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint(
            "revision_id", "building_id", "role", name=op.f("pk_revision_building")
        ),
    )
    op.create_index(
        op.f("ix_revision_building_building_id"), "revision_building", ["building_id"], unique=False
    )
    op.create_table(
        "revision_seal",
        sa.Column("revision_id", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.String(length=20), nullable=False),
        sa.Column(
            "sealed_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False
        ),
        sa.CheckConstraint("reason in ('announced','past')", name=op.f("ck_revision_seal_reason")),
        sa.ForeignKeyConstraint(
            ["revision_id"],
            ["phase_revision.id"],
            name=op.f("fk_revision_seal_revision_id_phase_revision"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("revision_id", name=op.f("pk_revision_seal")),
    )
    op.create_table(
        "schedule_version_revision",
        sa.Column("version_id", sa.BigInteger(), nullable=False),
        sa.Column("revision_id", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["revision_id"],
            ["phase_revision.id"],
            name=op.f("fk_schedule_version_revision_revision_id_phase_revision"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["version_id"],
            ["schedule_version.id"],
            name=op.f("fk_schedule_version_revision_version_id_schedule_version"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint(
            "version_id", "revision_id", name=op.f("pk_schedule_version_revision")
        ),
    )
    op.create_index(
        op.f("ix_schedule_version_revision_revision_id"),
        "schedule_version_revision",
        ["revision_id"],
        unique=False,
    )
    op.create_table(
        "utility_cut",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("revision_id", sa.BigInteger(), nullable=False),
        sa.Column("service", sa.String(length=20), nullable=False),
        sa.Column("period", postgresql.DATERANGE(), nullable=False),
        sa.Column("starts_at", sa.Time(), nullable=True),
        sa.Column("ends_at", sa.Time(), nullable=True),
        sa.Column("cut_by", sa.String(length=20), server_default="contractor", nullable=False),
        sa.Column("note", sa.Text(), server_default="", nullable=False),
        sa.CheckConstraint(
            "service in ('water', 'hot_water', 'gas', 'power', 'heating', 'lift', 'data')",
            name=op.f("ck_utility_cut_service"),
        ),
        sa.CheckConstraint(
            "(starts_at is null) = (ends_at is null) and starts_at <> ends_at",
            name=op.f("ck_utility_cut_window"),
        ),
        sa.CheckConstraint("not isempty(period)", name=op.f("ck_utility_cut_period_not_empty")),
        sa.ForeignKeyConstraint(
            ["revision_id"],
            ["phase_revision.id"],
            name=op.f("fk_utility_cut_revision_id_phase_revision"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_utility_cut")),
    )
    op.create_index(
        op.f("ix_utility_cut_revision_id"), "utility_cut", ["revision_id"], unique=False
    )
    op.create_table(
        "working_hours",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("revision_id", sa.BigInteger(), nullable=False),
        sa.Column("weekday", sa.SmallInteger(), nullable=False),
        sa.Column("starts_at", sa.Time(), nullable=False),
        sa.Column("ends_at", sa.Time(), nullable=False),
        sa.Column("noisy", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.CheckConstraint("starts_at <> ends_at", name=op.f("ck_working_hours_not_empty")),
        sa.CheckConstraint("weekday between 0 and 6", name=op.f("ck_working_hours_weekday")),
        sa.ForeignKeyConstraint(
            ["revision_id"],
            ["phase_revision.id"],
            name=op.f("fk_working_hours_revision_id_phase_revision"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_working_hours")),
        sa.UniqueConstraint(
            "revision_id",
            "weekday",
            "starts_at",
            "noisy",
            name=op.f("uq_working_hours_revision_id_weekday_starts_at_noisy"),
        ),
    )
    op.create_table(
        "impact",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("run_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("aspect", sa.String(length=30), server_default="", nullable=False),
        sa.Column("part_of_day", sa.String(length=10), server_default="all", nullable=False),
        sa.Column("building_id", sa.BigInteger(), nullable=False),
        sa.Column("flat_id", sa.BigInteger(), nullable=True),
        sa.Column("value", sa.Double(), nullable=True),
        sa.Column("unit", sa.String(length=10), nullable=True),
        sa.Column("band", sa.SmallInteger(), nullable=False),
        sa.Column("period", postgresql.DATERANGE(), nullable=False),
        sa.Column("weekdays", sa.SmallInteger(), server_default=sa.text("127"), nullable=False),
        sa.CheckConstraint(
            "kind in ('noise', 'dust', 'vibration', 'access', 'utility', 'parking', 'scaffold', 'inside', 'relocation')",
            name=op.f("ck_impact_zone_kind"),
        ),
        sa.CheckConstraint(
            "part_of_day in ('all', 'day', 'evening', 'night')",
            name=op.f("ck_impact_zone_part_of_day"),
        ),
        sa.CheckConstraint(
            "unit in ('dB(A)', 'mm/s', 'risk', 'h/day', 'day', 'm', 'ratio', 'stalls', 'class')",
            name=op.f("ck_impact_unit"),
        ),
        sa.CheckConstraint(
            "(value is null) = (unit is null)", name=op.f("ck_impact_value_has_unit")
        ),
        sa.CheckConstraint("band between 0 and 4", name=op.f("ck_impact_zone_band")),
        sa.CheckConstraint("not isempty(period)", name=op.f("ck_impact_period_not_empty")),
        sa.CheckConstraint(
            "value is null or value between -1e6 and 1e6", name=op.f("ck_impact_value_finite")
        ),
        sa.CheckConstraint("weekdays between 1 and 127", name=op.f("ck_impact_weekdays")),
        sa.ForeignKeyConstraint(
            ["building_id"],
            ["building.id"],
            name=op.f("fk_impact_building_id_building"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["flat_id"], ["flat.id"], name=op.f("fk_impact_flat_id_flat"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["run_id"],
            ["impact_run.id"],
            name=op.f("fk_impact_run_id_impact_run"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_impact")),
    )
    op.create_index("ix_impact_building_id", "impact", ["building_id"], unique=False)
    op.create_index("ix_impact_flat_id", "impact", ["flat_id"], unique=False)
    op.create_index(
        "uq_impact",
        "impact",
        ["run_id", "kind", "aspect", "part_of_day", "building_id", "flat_id", "period"],
        unique=True,
        postgresql_nulls_not_distinct=True,
    )
    op.create_table(
        "impact_zone",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("run_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("aspect", sa.String(length=30), server_default="", nullable=False),
        sa.Column("part_of_day", sa.String(length=10), server_default="all", nullable=False),
        sa.Column("band", sa.SmallInteger(), nullable=False),
        sa.Column("method", sa.String(length=60), nullable=False),
        sa.Column(
            "geom",
            Geometry(
                geometry_type="MULTIPOLYGON",
                srid=SRID,
                dimension=2,
                spatial_index=False,
                from_text="ST_GeomFromEWKT",
                name="geometry",
                nullable=False,
            ),
            nullable=False,
        ),
        sa.CheckConstraint(
            "kind in ('noise', 'dust', 'vibration', 'access', 'utility', 'parking', 'scaffold', 'inside', 'relocation')",
            name=op.f("ck_impact_zone_kind"),
        ),
        sa.CheckConstraint(
            "part_of_day in ('all', 'day', 'evening', 'night')",
            name=op.f("ck_impact_zone_part_of_day"),
        ),
        sa.CheckConstraint("band between 0 and 4", name=op.f("ck_impact_zone_band")),
        sa.ForeignKeyConstraint(
            ["run_id"],
            ["impact_run.id"],
            name=op.f("fk_impact_zone_run_id_impact_run"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_impact_zone")),
    )
    op.create_index(
        "ix_impact_zone_geom", "impact_zone", ["geom"], unique=False, postgresql_using="gist"
    )
    op.create_index(op.f("ix_impact_zone_run_id"), "impact_zone", ["run_id"], unique=False)
    op.create_table(
        "noise_levels",
        sa.Column("run_id", sa.BigInteger(), nullable=False),
        sa.Column("building_id", sa.BigInteger(), nullable=False),
        sa.Column("part_of_day", sa.String(length=10), nullable=False),
        sa.Column("receiver_key", sa.String(length=32), nullable=False),
        sa.Column("level_dba", postgresql.ARRAY(sa.REAL()), nullable=False),
        sa.CheckConstraint(
            "part_of_day in ('day','evening','night')", name=op.f("ck_noise_levels_part_of_day")
        ),
        sa.ForeignKeyConstraint(
            ["building_id"],
            ["building.id"],
            name=op.f("fk_noise_levels_building_id_building"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["run_id"],
            ["impact_run.id"],
            name=op.f("fk_noise_levels_run_id_impact_run"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint(
            "run_id", "building_id", "part_of_day", name=op.f("pk_noise_levels")
        ),
    )
    op.create_index(
        op.f("ix_noise_levels_building_id"), "noise_levels", ["building_id"], unique=False
    )
    op.create_table(
        "revision_flat",
        sa.Column("revision_id", sa.BigInteger(), nullable=False),
        sa.Column("flat_id", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["flat_id"], ["flat.id"], name=op.f("fk_revision_flat_flat_id_flat"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["revision_id"],
            ["phase_revision.id"],
            name=op.f("fk_revision_flat_revision_id_phase_revision"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("revision_id", "flat_id", name=op.f("pk_revision_flat")),
    )
    op.create_index(op.f("ix_revision_flat_flat_id"), "revision_flat", ["flat_id"], unique=False)
    op.create_table(
        "stay",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("household_id", sa.BigInteger(), nullable=False),
        sa.Column("flat_id", sa.BigInteger(), nullable=False),
        sa.Column("period", postgresql.DATERANGE(), nullable=False),
        postgresql.ExcludeConstraint(
            (sa.column("household_id"), "="),
            (sa.column("period"), "&&"),
            using="gist",
            name="ex_stay_one_place_at_a_time",
        ),
        sa.CheckConstraint("not isempty(period)", name=op.f("ck_stay_period_not_empty")),
        sa.ForeignKeyConstraint(
            ["flat_id"], ["flat.id"], name=op.f("fk_stay_flat_id_flat"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["household_id"],
            ["household.id"],
            name=op.f("fk_stay_household_id_household"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stay")),
    )
    op.create_index(op.f("ix_stay_flat_id"), "stay", ["flat_id"], unique=False)
    op.create_table(
        "tenancy",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("household_id", sa.BigInteger(), nullable=False),
        sa.Column("flat_id", sa.BigInteger(), nullable=False),
        sa.Column("title", sa.String(length=20), nullable=False),
        sa.Column("period", postgresql.DATERANGE(), nullable=False),
        sa.CheckConstraint(
            "title in ('assignee', 'owner', 'private_tenant', 'business', 'untitled', 'guest')",
            name=op.f("ck_tenancy_title"),
        ),
        sa.CheckConstraint("not isempty(period)", name=op.f("ck_tenancy_period_not_empty")),
        sa.ForeignKeyConstraint(
            ["flat_id"], ["flat.id"], name=op.f("fk_tenancy_flat_id_flat"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["household_id"],
            ["household.id"],
            name=op.f("fk_tenancy_household_id_household"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tenancy")),
        sa.UniqueConstraint(
            "household_id",
            "flat_id",
            "title",
            "period",
            name=op.f("uq_tenancy_household_id_flat_id_title_period"),
        ),
    )
    op.create_index(op.f("ix_tenancy_flat_id"), "tenancy", ["flat_id"], unique=False)
    op.create_table(
        "utility_cut_stairwell",
        sa.Column("cut_id", sa.BigInteger(), nullable=False),
        sa.Column("stairwell_id", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["cut_id"],
            ["utility_cut.id"],
            name=op.f("fk_utility_cut_stairwell_cut_id_utility_cut"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["stairwell_id"],
            ["stairwell.id"],
            name=op.f("fk_utility_cut_stairwell_stairwell_id_stairwell"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("cut_id", "stairwell_id", name=op.f("pk_utility_cut_stairwell")),
    )
    op.create_index(
        op.f("ix_utility_cut_stairwell_stairwell_id"),
        "utility_cut_stairwell",
        ["stairwell_id"],
        unique=False,
    )
    op.create_table(
        "barrier",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("revision_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "geom",
            Geometry(geometry_type="LINESTRING", srid=SRID, dimension=2, spatial_index=False),
            nullable=False,
        ),
        sa.Column("height_m", sa.Double(), nullable=False),
        sa.CheckConstraint("height_m > 0 and height_m <= 30", name=op.f("ck_barrier_height_m")),
        sa.ForeignKeyConstraint(
            ["revision_id"],
            ["phase_revision.id"],
            name=op.f("fk_barrier_revision_id_phase_revision"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_barrier")),
    )
    op.create_index("ix_barrier_revision_id", "barrier", ["revision_id"])
    op.create_index("ix_barrier_geom", "barrier", ["geom"], postgresql_using="gist")
    op.create_index("ix_building_successor_id", "building", ["successor_id"])
    op.create_index("ix_stairwell_address_point_id", "stairwell", ["address_point_id"])
    op.execute(IMMUTABLE_REVISION)
    op.execute(REVISION_IN_FORCE)
    op.get_bind().exec_driver_sql(SchemaManager.get_schema().replace("%", "%%"))


def downgrade() -> None:
    raise NotImplementedError("the first migration is undone by dropping the database")
