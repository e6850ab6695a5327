"""Parquet logs, through the extra `parquet`."""

from collections.abc import Mapping

from seqrec_cli.core.logs import Log
from seqrec_cli.core.sources import TextSource
from seqrec_cli.core.tables import Role
from seqrec_cli.errors import MissingExtra


def read(place: TextSource, chosen: Mapping[Role, str], min_rating: float | None) -> Log:
    """Read a Parquet file."""
    raise MissingExtra("pyarrow", "parquet")
