"""Command line `python -m analysis`; its help answers at once."""

import signal
import sys

from analysis.command_line import read_command
from analysis.commands import CompareCommand, ReportCommand, TableCommand


def main() -> int:
    """Runs the command line; every user error is one line and exit code 2."""
    command: ReportCommand | TableCommand | CompareCommand = read_command(
        {"report": ReportCommand, "table": TableCommand, "compare": CompareCommand},
        sys.argv[1:],
        program="python -m analysis",
        description="Reads what sweeps have left on disk.",
    )
    from analysis import CannotCompareError, NotASweepError

    try:
        command.run()
    except (CannotCompareError, NotASweepError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    # Whoever stops reading, as `head` does, ends the command without a word.
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    sys.exit(main())
