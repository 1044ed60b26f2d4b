"""The environments, one module each: rules, specification, references and ids together."""
