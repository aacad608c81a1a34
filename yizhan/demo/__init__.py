"""`make demo`: the whole product from nothing, played in acts, then counted from the outside."""
