"""Several statements become one: the numbers of the parameters follow each other."""

from runtime.together import joined


def test_parameters_are_numbered_through() -> None:
    first = "insert into a (x, y) values ($1, $2)"
    last = "insert into b (x) values ($1), ($10)"
    assert joined((first, last), (2, 10)) == (
        "with part_0 as (insert into a (x, y) values ($1, $2)) insert into b (x) values ($3), ($12)"
    )
    assert joined((first,), (2,)) == first
