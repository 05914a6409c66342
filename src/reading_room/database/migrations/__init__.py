"""Migrations, one module for each schema version; ``reading_room.database.migrate`` carries them out."""
