"""The workshop: what recipes need to be rehearsed, guarded, scheduled and measured."""

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Each part of it adds its own tables and columns here, until this is released."""
