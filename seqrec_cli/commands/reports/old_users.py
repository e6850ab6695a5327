"""What is printed of a continued run beside the one before it."""

from typing import TYPE_CHECKING

from seqrec_cli import console
from seqrec_cli.commands.reports.shared import p_value
from seqrec_cli.wording import counted

if TYPE_CHECKING:
    from seqrec_cli.core.runs.old_users import OldUsers


def show_old_users(found: "OldUsers") -> None:
    """Print the figures before and now, and their difference."""
    console.info(
        f"what is lost on old users: {counted(found.users, 'user')} of {found.before} in the valid "
        f"part of {found.data}; each run in its own catalogue, with paired 95 % intervals"
    )
    for reason, count in found.skipped.items():
        console.info(f"{counted(count, 'user')} skipped: {reason}")
    rows = []
    for each in found.differences:
        before, now = found.figures[each.metric]
        interval = f"[{each.low:+.4f}, {each.high:+.4f}]"
        cells = [f"{before:.4f}", f"{now:.4f}", f"{each.mean:+.4f}", interval, p_value(each.p)]
        rows.append([each.metric, *cells])
    console.print_table(["old users", "before", "now", "difference", "95 %", "p"], rows)
