"""Where Alembic begins: it migrates over the connection that `emosync.schema` gives it."""

from alembic import context

# One transaction for all versions, and it is the caller's: all of them, or none.
context.configure(
    connection=context.config.attributes["connection"],
    transactional_ddl=True,
    transaction_per_migration=False,
)
with context.begin_transaction():
    context.run_migrations()
