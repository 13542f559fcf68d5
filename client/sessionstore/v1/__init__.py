"""The generated messages and stubs of the session store."""
