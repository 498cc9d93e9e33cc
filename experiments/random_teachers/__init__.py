"""Students that are taught by random networks, and what their features hold."""
