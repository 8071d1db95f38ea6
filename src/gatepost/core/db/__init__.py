"""Transactions, tables, migrations, connections, leases and purging."""
