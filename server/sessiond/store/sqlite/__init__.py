"""The engine that keeps sessions in one SQLite database."""
