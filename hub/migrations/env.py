"""What Alembic runs: the migrations, on the connection and in the transaction that `bring_up_to_date` gave it."""

from alembic import context

from hub.schema import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    transactional_ddl=False,
    render_as_batch=True,
)
context.run_migrations()
