"""Transactions, tables, migrations, and what keeps databases from losing anything."""
