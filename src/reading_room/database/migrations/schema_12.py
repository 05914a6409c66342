"""Hosts, the tokens with which they join, their authority, leases, and what several hosts share."""

from __future__ import annotations

from typing import Any, Literal

import sqlalchemy as sa
from alembic import op

revision = "12"
down_revision = "11"


def upgrade() -> None:
    """Create the tables, which are empty while there is one host."""
    number = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
    time = sa.DateTime(timezone=True).with_variant(sa.DateTime(), "sqlite")
    op.create_table(
        "hosts",
        sa.Column("host", sa.String(63), nullable=False),
        sa.Column("number", number, nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("zone", sa.String(), nullable=False),
        sa.Column("labels", sa.JSON(), nullable=False),
        sa.Column("underlay", sa.String(), nullable=False),
        sa.Column("mtu", number, nullable=False),
        sa.Column("cores", number, nullable=False),
        sa.Column("memory_bytes", number, nullable=False),
        sa.Column("public_key", sa.String(64), nullable=False),
        sa.Column("tunnel_key", sa.String(), nullable=False),
        sa.Column("tunnel_port", number, nullable=False),
        sa.Column("program", sa.String(), nullable=False),
        sa.Column("joined_at", time, nullable=False),
        sa.Column("seen_at", time, nullable=True),
        sa.Column("epoch", number, nullable=False),
        sa.Column("lease_until", time, nullable=True),
        sa.PrimaryKeyConstraint("host", name="pk_hosts"),
        sa.UniqueConstraint("number", name="uq_hosts_number"),
        sa.UniqueConstraint("underlay", name="uq_hosts_underlay"),
        sa.UniqueConstraint("public_key", name="uq_hosts_public_key"),
    )
    # Which host owns the way out of a VPC, and which released addresses some host may still have.
    op.create_table(
        "gateway_hosts",
        sa.Column("vpc_id", sa.String(), nullable=False),
        sa.Column("host", sa.String(), nullable=False),
        sa.Column("fence", number, nullable=False),
        sa.Column("previous", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("vpc_id", name="pk_gateway_hosts"),
    )
    # SQLite would add the column behind the constraints.
    recreate: Literal["always", "never"] = "always" if op.get_bind().dialect.name == "sqlite" else "never"
    with op.batch_alter_table("address_rests", recreate=recreate) as batch:
        batch.add_column(sa.Column("held", sa.Boolean(), nullable=True))
        if recreate == "always":
            # Made again in the order of a new database.
            for column, table in (("vpc_id", "vpcs"), ("subnet_id", "subnets")):
                batch.drop_constraint(f"fk_address_rests_{column}", type_="foreignkey")
                batch.create_foreign_key(f"fk_address_rests_{column}", table, [column], [column])
    op.create_table(
        "container_epochs",
        sa.Column("container_id", sa.String(), nullable=False),
        sa.Column("epoch", number, nullable=False),
        sa.PrimaryKeyConstraint("container_id", name="pk_container_epochs"),
        sa.ForeignKeyConstraint(
            ["container_id"],
            ["job_containers.container_id"],
            name="fk_container_epochs_container_id",
            ondelete="CASCADE",
        ),
    )
    op.create_table(
        "host_tokens",
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("created_at", time, nullable=False),
        sa.Column("expires_at", time, nullable=False),
        sa.Column("used_at", time, nullable=True),
        sa.Column("used_by", sa.String(), nullable=True),
        sa.PrimaryKeyConstraint("digest", name="pk_host_tokens"),
    )
    op.create_table(
        "host_authority",
        sa.Column("id", number, nullable=False),
        sa.Column("certificate", sa.String(), nullable=False),
        sa.Column("sealed_private_key", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_host_authority"),
    )
    op.create_table(
        "leases",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("holder", sa.String(), nullable=False),
        sa.Column("fence", number, nullable=False),
        sa.Column("expires_at", time, nullable=False),
        sa.Column("url", sa.String(), nullable=False),
        sa.Column("facts", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_leases"),
    )
    _of_several_processes(time)


def _of_several_processes(time: sa.types.TypeEngine[Any]) -> None:
    """Create what several ``serve`` processes of one database share, and tell apart what each of them has."""
    op.create_table(
        "iam_sign_in_tokens",
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("account", sa.String(), nullable=False),
        sa.Column("access_key_id", sa.String(), nullable=False),
        sa.Column("caller", sa.String(), nullable=False),
        sa.Column("expires_at", time, nullable=False),
        sa.PrimaryKeyConstraint("digest", name="pk_iam_sign_in_tokens"),
    )
    op.create_index("ix_iam_sign_in_tokens_caller", "iam_sign_in_tokens", ["caller"])
    op.create_index("ix_iam_sign_in_tokens_expires_at", "iam_sign_in_tokens", ["expires_at"])
    op.create_table(
        "flow_windows",
        sa.Column("one", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("windows", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("one", name="pk_flow_windows"),
    )
    op.create_table(
        "shared_files",
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_shared_files"),
    )
    for name, at, what in (
        ("engine_questions", "asked_at", "sealed_call"),
        ("engine_answers", "answered_at", "sealed_result"),
    ):
        op.create_table(
            name,
            sa.Column("number", sa.String(), nullable=False),
            sa.Column(at, time, nullable=False),
            sa.Column(what, sa.LargeBinary(), nullable=False),
            sa.PrimaryKeyConstraint("number", name=f"pk_{name}"),
        )
    # SQLite cannot change a primary key, and these tables have a handful of rows.
    _made_anew(
        sa.table("trail_heads", *_columns("book", "start", "head", noted_at=time)),
        sa.Column("server", sa.String(), nullable=False),
        sa.Column("book", sa.String(), nullable=False),
        sa.Column("start", sa.String(), nullable=False),
        sa.Column("head", sa.String(), nullable=False),
        sa.Column("noted_at", time, nullable=False),
        sa.PrimaryKeyConstraint("server", "book", name="pk_trail_heads"),
    )
    _made_anew(
        sa.table("trail_heads_lost", *_columns("book", "digest", noted_at=time, missed_at=time)),
        sa.Column("server", sa.String(), nullable=False),
        sa.Column("book", sa.String(), nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("noted_at", time, nullable=False),
        sa.Column("missed_at", time, nullable=False),
        sa.PrimaryKeyConstraint("server", "book", "digest", name="pk_trail_heads_lost"),
    )
    marks = op.get_bind().execute(sa.text("SELECT number FROM call_usage_mark")).scalars().all()
    op.drop_table("call_usage_mark")
    op.create_table(
        "call_usage_marks",
        sa.Column("server", sa.String(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("server", name="pk_call_usage_marks"),
    )
    for number in marks:
        op.get_bind().execute(sa.text("INSERT INTO call_usage_marks VALUES ('', :number)"), {"number": number})


def _columns(*names: str, **times: sa.types.TypeEngine[Any]) -> list[sa.ColumnClause[Any]]:
    texts: list[sa.ColumnClause[Any]] = [sa.column(name, sa.String()) for name in names]
    return texts + [sa.column(name, of) for name, of in times.items()]


def _made_anew(table: sa.TableClause, *columns: sa.schema.SchemaItem) -> None:
    """Create a table again with these columns, of which ``server`` is new, and its rows."""
    rows = [dict(row) for row in op.get_bind().execute(sa.select(table)).mappings()]
    op.drop_table(table.name)
    op.create_table(table.name, *columns)
    anew = sa.table(table.name, sa.column("server", sa.String()), *(sa.column(c.name, c.type) for c in table.columns))
    for row in rows:
        op.get_bind().execute(anew.insert().values(server="", **row))
