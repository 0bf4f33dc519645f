"""What Alembic runs: the migrations, within the transaction of the store that is being opened."""

from __future__ import annotations

from alembic import context

context.configure(connection=context.config.attributes["connection"], transactional_ddl=False, render_as_batch=True)
context.run_migrations()
