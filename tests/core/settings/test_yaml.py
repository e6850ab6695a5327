"""YAML is read strictly, whatever it is."""

import contextlib

from hypothesis import given
from hypothesis import strategies as st

from seqrec_cli.core.experiment.loading import parse_experiment
from seqrec_cli.errors import SeqRecError


@given(st.text(max_size=60) | st.text("abc:-[]{}&*!|>'\"#%@`\n \t0123.", max_size=60))
def test_any_text_is_an_experiment_or_a_clear_error(text: str) -> None:
    with contextlib.suppress(SeqRecError):  # said clearly, which is what it must be
        parse_experiment(text, "x.yaml")
