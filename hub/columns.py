"""What the tables are made of: how keys, instants and bytes are kept, alike on SQLite and PostgreSQL."""

from __future__ import annotations

from typing import Any

from sqlalchemy import BigInteger, Integer, LargeBinary, MetaData

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

# On SQLite only a column declared INTEGER is the row's own key.
Id = BigInteger().with_variant(Integer(), "sqlite")
Instant = BigInteger


class Bytes(LargeBinary):
    """Bytes as both drivers take and give them: SQLAlchemy would wrap each value on its way, in either direction."""

    cache_ok = True

    def bind_processor(self, dialect: Any) -> None:
        return None

    def result_processor(self, dialect: Any, coltype: Any) -> None:
        return None


Sealed = Bytes
Hash = Bytes(16)
