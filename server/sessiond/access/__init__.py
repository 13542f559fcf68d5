"""Who may call what: rights, tokens, certificates, and the one place that decides."""
