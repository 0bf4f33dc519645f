"""Changes of the tables, in order; run by Alembic when an older store is opened."""
