"""The page of a report: one file that loads nothing from elsewhere.

Texts of logs and settings are escaped by the template engine; the page's policy lets no script run
but its own, which is named by its digest.
"""

import base64
import hashlib
import importlib
from importlib import resources
from pathlib import Path
from typing import Any

from seqrec_cli.core.runs.plotting import panels_of
from seqrec_cli.core.runs.report import card
from seqrec_cli.core.runs.report.drawing import draw_plot
from seqrec_cli.core.runs.report.plots import (
    coverage_plot,
    learning_curves,
    score_plot,
    slice_plots,
)
from seqrec_cli.core.runs.report.profile import profile_of
from seqrec_cli.core.runs.report.study import Study
from seqrec_cli.errors import InputError, MissingExtra


def check_page_file(path: Path) -> None:
    """Refuse a file that is no .html, before any work is done.

    Raises:
        InputError: it ends in something else.
    """
    if path.suffix != ".html":
        raise InputError(f"`{path}` does not end in .html", "use that extension")


def load_templates() -> Any:
    """The template engine.

    Raises:
        MissingExtra: it is not installed.
    """
    try:
        return importlib.import_module("jinja2")
    except ImportError:
        raise MissingExtra("jinja2", "report") from None


def package_text(name: str) -> str:
    """A text file that comes with this package."""
    return resources.files("seqrec_cli.core.runs.report").joinpath(name).read_text("utf-8")


def policy(script: str) -> str:
    """What the page may do: run this script, and nothing from elsewhere."""
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return (
        f"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{digest}'; "
        "base-uri 'none'; form-action 'none'"
    )


def report_page(study: Study) -> str:
    """The page; the same study gives the same text.

    Raises:
        MissingExtra: matplotlib or the template engine is not installed.
    """
    engine = load_templates()
    environment = engine.Environment(
        autoescape=True, undefined=engine.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    script = package_text("page.js")
    template = environment.from_string(package_text("page.html"))
    return str(
        template.render(
            policy=policy(script),
            # Ours, and so not escaped: the script, the style and what matplotlib has drawn.
            script=engine.utils.markupsafe.Markup(script),
            style=engine.utils.markupsafe.Markup(package_text("page.css")),
            svg=lambda plot: engine.utils.markupsafe.Markup(draw_plot(plot)),
            **page_content(study),
        )
    )


def page_content(study: Study) -> dict[str, Any]:
    """What the template is given."""
    report = study.report
    profile = profile_of(study.dataset)
    facts = [[name, value] for name, value in profile.facts]
    return {
        "title": f"{', '.join(study.runs)} on {study.dataset.name}",
        "summary": card.summary(study),
        "details": card.details(study),
        "curves": learning_curves(panels_of(study.runs)),
        "uses": card.uses(study),
        "scores": score_plot(report, list(study.runs)),
        "results": card.results(study),
        "all_results": card.all_results(study),
        "differences": card.differences(study),
        "slices": slice_plots(report.main_metric, slices_with_counts(study)),
        "coverage": coverage_plot(report, list(study.runs)),
        "examples": study.examples,
        "example_run": study.example_run,
        "data_facts": card.data_facts(study),
        "profile": card.CardTable("What it is like", ["", ""], facts),
        "profile_plots": profile.plots,
        "limits": card.limits(study),
        "settings": card.settings(study),
        "differing": card.differing_settings(study),
        "commands": card.commands(study),
        "versions_note": card.versions_note(study),
        "metric": report.main_metric,
    }


def slices_with_counts(study: Study) -> dict[str, Any]:
    """The slices with the number of users in their names."""
    return {
        kind: {f"{name} ({study.slice_users[name]:,})": figures for name, figures in rows.items()}
        for kind, rows in study.slices.items()
    }
