"""What a person sees of an environment: charts, boards and grids, drawn from plain values."""
