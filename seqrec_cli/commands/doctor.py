"""seqrec doctor: what this installation has, and what it lacks."""

from dataclasses import dataclass

import typer

from seqrec_cli import console
from seqrec_cli.commands.binding import takes
from seqrec_cli.commands.options import Json
from seqrec_cli.wording import counted, size


@dataclass(frozen=True, kw_only=True)
class DoctorOptions:
    """The options of `seqrec doctor`."""

    as_json: Json = False


@takes(DoctorOptions)
def doctor(options: DoctorOptions) -> None:
    """Show versions, devices and extras, and what is missing.

    Exit code 1 if something is wrong. Extras that are not installed are not wrong.

    $ seqrec doctor
    """
    from seqrec_cli.core.runs.environment import describe_environment, problems

    facts, wrong = describe_environment(), problems()
    if options.as_json:
        console.print_json(facts | {"problems": [problem for problem, _ in wrong]})
    else:
        versions = ", ".join(f"{name} {v or 'missing'}" for name, v in facts["versions"].items())
        rows = [
            ("versions", versions),
            ("machine", f"{facts['machine']}, {counted(facts['cores'], 'core')}"),
            ("devices", "; ".join(facts["devices"])),
            ("threads", str(facts["threads"])),
            ("cache", f"{facts['cache']}, {size(facts['cache_bytes'])}"),
            ("terminal", str(facts["encoding"])),
            *((f"{name}", value) for name, value in facts["settings"].items()),
        ]
        for extra, found in facts["extras"].items():
            missing = f'not installed: pip install "{found["requirement"]}"'
            rows.append((f"extra {extra}", found["version"] or missing))
        console.print_table(("", "here"), rows, left=(0, 1))
    for problem, remedy in wrong:
        console.warn(problem)
        console.hint(remedy)
    if wrong:
        raise typer.Exit(1)
