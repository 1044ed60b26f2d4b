"""From a sweep folder to a verdict that can be trusted; needs neither Ray nor torch."""
