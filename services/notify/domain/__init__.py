"""Who hears what, in which words, and what a receiver may be: no I/O, no clock."""
