"""The two halves of a recall task in any spaces: what is shown, and what is the right answer to it."""
