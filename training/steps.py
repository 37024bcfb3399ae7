"""Steps: the one line of a terminal that says what a long command is doing."""

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn


class Steps:
    """One progress line on the terminal; `show` says what is being done and how far it is."""

    def __init__(self, out: Console, *, hidden: bool = False) -> None:
        self._bar = Progress(
            SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn(),
            console=out, transient=True, disable=hidden,
        )  # fmt: skip
        self._task = self._bar.add_task("", total=1.0)

    def __enter__(self) -> "Steps":
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def show(self, what: str, share: float) -> None:
        """Show `what` and the share of it that is done, 0 to 1."""
        self._bar.update(self._task, description=what, completed=share)
