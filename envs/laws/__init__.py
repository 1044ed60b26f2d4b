"""What several modules must agree on: the traders' accounts, and the work and cost of a fleet of servers."""
