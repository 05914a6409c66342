"""Migrations, one module per schema version; ``reading_room.database.migrate`` runs them."""
