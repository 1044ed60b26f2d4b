"""Environments of the suite, one module or folder each: rules, specification, references and ids together."""
