"""The counters, in Prometheus' text."""

import pytest

pytest.importorskip("prometheus_client")

from seqrec_cli.serving.figures import Figures


def test_paths_of_strangers_do_not_fill_memory() -> None:
    figures = Figures()
    for number in range(100):
        figures.count(f"/{number}", 404, 0.1)
    figures.count("/score", 200, 0.002)
    figures.serves("one")
    figures.serves("two")
    text = figures.text().decode()
    assert 'seqrec_requests_total{path="other",status="404"} 100.0' in text
    assert 'seqrec_request_seconds_bucket{le="0.0025",path="/score"} 1.0' in text
    assert 'seqrec_serving{run="two"} 1.0' in text
    assert 'seqrec_serving{run="one"} 0.0' in text
