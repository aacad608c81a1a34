"""What a photo says and what may be shown of it, decoded away from everything else.

Imports nothing here: the decoding child loads this package and must stay small.
"""
