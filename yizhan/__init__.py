"""The command that people type: the product on one machine, and the tools to look into it."""
