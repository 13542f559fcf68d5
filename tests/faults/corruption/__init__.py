"""A database that is damaged page by page, and what is answered from it."""
