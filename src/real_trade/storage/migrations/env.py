"""Run the steps over the connection that the caller put into the configuration."""

from alembic import context

from real_trade.storage.tables import METADATA

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=METADATA,
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
