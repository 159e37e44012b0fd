"""The store on PostgreSQL with PostGIS: one database, several processes; each groups its writes into transactions."""

from rhinecloud.store.postgres.store import PostgresStore

__all__ = ["PostgresStore"]
