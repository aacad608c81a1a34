"""Cities as data, and what reads them: checked at start, frozen afterwards."""
