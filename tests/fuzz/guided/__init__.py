"""Fuzzing that is guided by coverage: inputs that reach new places of the code are kept and mutated further."""
