"""The gateway's configuration, made from the table of path owners."""
