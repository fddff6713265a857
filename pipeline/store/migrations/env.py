"""What Alembic runs for every command: the migrations, in the transaction of the caller."""

from alembic import context

connection = context.config.attributes["connection"]
context.configure(connection=connection, render_as_batch=True)  # SQLite changes a table by copying it
context.run_migrations()
