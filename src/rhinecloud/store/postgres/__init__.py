"""The store on PostgreSQL with PostGIS: one database, several processes; each one groups its writes."""

from rhinecloud.store.postgres.store import PostgresStore

__all__ = ["PostgresStore"]
