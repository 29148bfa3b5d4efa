"""What a service bills: the table ``requests``."""

from collections.abc import Mapping

import pandas as pd


def requests_table(who: Mapping[str, str], requests: Mapping[str, int]) -> pd.DataFrame:
    """A row per kind of ``request`` (send, receive, …): how many ``calls`` were made."""
    return pd.DataFrame(
        [{**who, "request": request, "calls": calls} for request, calls in requests.items()]
    )
