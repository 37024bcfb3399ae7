"""The front door: one command per thing a person does with Nextbest.

Commands import what they need when they run, so that `nextbest settings` does not wait for Feast.
"""

import json
import os
import sys
import warnings
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from domain.errors import Conflict, InvalidInput, NextbestError, NotEnoughData
from domain.settings import Settings, load_settings
from training.steps import Steps
from training.terminal import out, print_rows

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Learned scores, recommendations, next best action and segments for your shop.",
)
STALE = timedelta(days=30)

Names = Annotated[list[str] | None, typer.Argument(help="Recipes; none means all of them.")]


def main() -> None:
    """Run a command; a failure that a person can mend is one sentence and exit code 2."""
    for pool in ("OMP", "OPENBLAS", "MKL"):  # several thread pools share few cores
        os.environ.setdefault(f"{pool}_NUM_THREADS", "1")
    warnings.simplefilter("ignore")  # of libraries about libraries; ours are findings and errors
    try:
        app()
    except NextbestError as fault:
        Console(stderr=True, highlight=False, soft_wrap=True).print(
            f"error {fault.message}", markup=False
        )
        sys.exit(2)


@app.command("import")
def import_(
    files: Annotated[list[str], typer.Argument(help="CSV or Parquet files, or globs of them.")],
    mapping: Annotated[str, typer.Option(help="A mapping file (TOML), or a built-in name.")],
    shift_to_now: Annotated[
        bool, typer.Option(help="Move all times by whole weeks so that the newest is recent.")
    ] = False,
) -> None:
    """Turn exports of orders or behaviour into events and catalogue items."""
    from feature_repo.backends import open_log
    from feature_repo.importing import import_files, load_mapping
    from feature_repo.importing.shift import ShiftedLog

    settings = load_settings()
    rules = load_mapping(mapping)
    log = open_log(settings)
    target = ShiftedLog(log, _now()) if shift_to_now else log
    with Steps(out) as steps:
        report = import_files(files, rules, target, progress=steps.show)
    out.print("\n".join(report.to_lines()), markup=False)


@app.command()
def build() -> None:
    """Bring the lake up to date and rebuild every customer's online state from it."""
    from feature_repo.backends import open_features, open_log
    from feature_repo.lake import export
    from feature_repo.stream import load_states

    settings = load_settings()
    log = open_log(settings)
    with Steps(out) as steps:
        steps.show("exporting new events to the lake", 0.0)
        added = export(log, settings.home)
        steps.show("building states", 0.3)
        count = load_states(log, open_features(settings), settings.home)
    out.print(f"{added:,} new events in the lake, {count:,} customer states online")


@app.command()
def train(
    names: Names = None,
    table: Annotated[str, typer.Option(help="Learn from this CSV or Parquet file instead.")] = "",
    target: Annotated[str, typer.Option(help="Column of the table: did it happen?")] = "",
    time: Annotated[str, typer.Option(help="Column of the table that grows with time.")] = "",
    name: Annotated[str, typer.Option(help="What to call the model of the table.")] = "",
    keep: Annotated[
        list[str] | None, typer.Option(help="Column that the leak check must not leave out.")
    ] = None,
    tune: Annotated[int, typer.Option(help="Try so many settings first, resumable.")] = 0,
    rolling: Annotated[int, typer.Option(help="Only test, at the last so many cut-offs.")] = 0,
) -> None:
    """Train recipes, or a plain table; compare with baselines, and register what wins."""
    from training.run import recipe_names
    from training.run import train as train_one

    settings = load_settings()
    if (rolling or tune) and not names:
        raise InvalidInput("name the recipes, such as `nextbest train churn --tune 30`")
    if rolling:
        from training.rolling import rolled_rows

        with Steps(out) as steps:
            rows = rolled_rows(names or [], rolling, settings, steps.show)
        return print_rows(rows)
    if table or target:
        _train_table(settings, table, target, time, name, keep or [])
        return
    outcomes, short = [], []
    with Steps(out) as steps:
        for name in names or recipe_names():
            try:
                outcomes += train_one(name, settings, progress=steps.show, tune=tune)
            except NotEnoughData as fault:
                short.append(fault)
    print_rows(o.to_row() for o in outcomes)
    for fault in short:
        out.print(f"not trained: {fault.message}", markup=False)
    if short and (names or not outcomes):
        raise short[0]


def _train_table(
    settings: Settings, table: str, target: str, time: str, name: str, keep: list[str]
) -> None:
    from training.table import TableAsked, train_table

    if not (table and target):
        raise InvalidInput("give both --table FILE and --target COLUMN")
    asked = TableAsked(Path(table), target, time, name, keep)
    with Steps(out) as steps:
        steps.show(f"learning {asked.model}", 0.1)
        outcome, said = train_table(asked, settings, _now())
    print_rows([outcome.to_row()])
    out.print("\n".join(f"- {one}" for one in said), markup=False)


@app.command()
def compare(
    first: Annotated[str, typer.Argument(help="A run: its id, or MODEL/VERSION.")],
    second: Annotated[str, typer.Argument(help="Another run of the same model.")],
) -> None:
    """Compare two runs on the same customers, and say in what they differ."""
    from training.comparing import compare as between
    from training.tracking import Tracker

    found = between(Tracker.open(load_settings().home), first, second)
    out.print(f"{found.first.name} on the same {found.customers:,} customers")
    print_rows(one.to_row() for one in found.metrics)
    print_rows(found.lineage_rows())


@app.command()
def reproduce(run: Annotated[str, typer.Argument(help="Its id, or MODEL/VERSION.")]) -> None:
    """Learn a run again from its lineage, and say whether the numbers are the same."""
    from training.reproduction import reproduce as again

    with Steps(out) as steps:
        found = again(run, load_settings(), _now(), steps.show)
    print_rows(found.to_rows())
    if not found.same:
        raise Conflict(found.summary())
    out.print(found.summary(), markup=False)


@app.command()
def promote(
    model: Annotated[str, typer.Argument(help="The registered model.")],
    version: Annotated[str | None, typer.Argument(help="None means the newest.")] = None,
    reason: Annotated[str, typer.Option(help="Why; kept in the registry and on the card.")] = "",
    other_data: Annotated[
        bool, typer.Option("--other-data", help="The data were replaced on purpose.")
    ] = False,
) -> None:
    """Make a version the champion, and release it; the service follows."""
    from training.promotion import promote as make_champion

    settings = load_settings()
    moved = make_champion(
        model, version, reason, settings, as_of=lambda: _present(settings), at=_now(),
        other_data=other_data,
    )  # fmt: skip
    out.print(moved.summary(), markup=False)


@app.command()
def rollback(
    model: Annotated[str, typer.Argument(help="The registered model.")],
    reason: Annotated[str, typer.Option(help="Why; kept in the registry and on the card.")] = "",
) -> None:
    """Make the champion before the champion again, and release it; the service follows."""
    from training.promotion import rollback as go_back

    settings = load_settings()
    moved = go_back(model, reason, settings, as_of=lambda: _present(settings), at=_now())
    out.print(moved.summary(), markup=False)


@app.command()
def evaluate(names: Names = None) -> None:
    """Measure the champions again on the held-out last period."""
    from training.evaluation import evaluate as measure

    with Steps(out) as steps:
        rows = measure(names or [], load_settings(), progress=steps.show)
    print_rows(rows)


@app.command()
def monitor(
    names: Annotated[list[str] | None, typer.Argument(help="Scores; none means all.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
    recalibrate: Annotated[
        bool, typer.Option(help="Let a score whose size went off learn it anew.")
    ] = False,
) -> None:
    """Compare live features, scores and outcomes with training; exit code 1 is a warning."""
    from training.monitor import WARN
    from training.monitor import monitor as look

    settings = load_settings()
    with Steps(out, hidden=as_json) as steps:
        readings = look(
            settings, names or [], _present(settings, quiet=as_json), at=_now(),
            recalibrate=recalibrate, progress=steps.show,
        )  # fmt: skip
    if as_json:
        typer.echo(json.dumps([reading.to_plain() for reading in readings], indent=1))
    else:
        print_rows(reading.to_row() for reading in readings)
    if any(reading.level == WARN for reading in readings):
        raise typer.Exit(1)


@app.command()
def score(
    engine: Annotated[str, typer.Option(help="embedded, or ray: on a Ray cluster.")] = "embedded",
) -> None:
    """Score every customer with every champion; one that was cut off is gone on with."""
    from training.scoring import score_all

    settings = load_settings()
    with Steps(out) as steps:
        done = score_all(settings, _present(settings), progress=steps.show, engine=engine)
    out.print(done.summary(), markup=False)


@app.command()
def release() -> None:
    """Write the folder that the service reads, and make it the current one."""
    from training.release import release as write

    settings = load_settings()
    with Steps(out) as steps:
        steps.show("writing the release", 0.0)
        folder = write(settings, _present(settings))
    out.print(f"released {folder.name}; a running service takes it over within seconds")


@app.command()
def demo(
    data: Annotated[str, typer.Option(help="A built-in mapping to use real files with.")] = "",
    from_: Annotated[str, typer.Option("--from", help="Folder with those files.")] = "",
    customers: Annotated[int, typer.Option(help="Customers of the generated shop.")] = 5000,
) -> None:
    """From nothing to a running service: a shop, features, models, a release, an API."""
    from training.walkthrough import walk_through

    settings = load_settings()
    if bool(data) != bool(from_):
        raise InvalidInput("give both --data NAME and --from FOLDER, or neither for the demo shop")
    with Steps(out) as steps:
        steps_taken = walk_through(settings, data, from_, customers, _now(), steps.show)
    print_rows(steps_taken)
    serve(background=True)
    from serving.entrance import entrance

    for line in entrance(settings):
        out.print(line, soft_wrap=True, markup=False)


@app.command()
def serve(
    background: Annotated[bool, typer.Option(help="Return when the service is ready.")] = False,
    workers: Annotated[int, typer.Option(help="Processes; 0 takes the setting.", min=0)] = 0,
) -> None:
    """Run the API (settings host and port)."""
    settings = load_settings()
    if workers:
        settings = replace(settings, workers=workers)
    if background:
        from serving.process import start_in_background

        start_in_background(settings)
        return
    from serving.process import run

    run(settings)


@app.command()
def stream() -> None:
    """Fold stored events into the online states; for the setting stream = apart."""
    from feature_repo.backends import open_features, open_log
    from feature_repo.folding_loop import run

    settings = load_settings()
    log, features = open_log(settings), open_features(settings)
    out.print("folding events as they come (Ctrl+C ends it)")
    run(log, features)


@app.command()
def stop() -> None:
    """Stop the service that was started in the background."""
    from serving.process import stop_background

    out.print(stop_background(load_settings()))


@app.command()
def mlflow() -> None:
    """Open the MLflow pages with every run, model and card."""
    from training.tracking import serve_pages

    settings = load_settings()
    out.print(f"MLflow at http://{settings.host}:{settings.mlflow_port} (Ctrl+C ends it)")
    serve_pages(settings)


@app.command()
def keys(
    rotate: Annotated[bool, typer.Option(help="Replace both keys; the old ones end.")] = False,
) -> None:
    """Show the API keys, or replace them."""
    from serving.keys import ensure_keys, rotate_keys

    home = load_settings().home
    found = rotate_keys(home) if rotate else ensure_keys(home)[0]
    out.print(f"public (collect, recommend)  {found.write_key}")
    out.print(f"secret (everything)          {found.secret_key}")
    out.print(f"signing (of customer ids)    {found.signing_secret}")


@app.command()
def settings() -> None:
    """List every setting with its value, its variable and its meaning."""
    given = load_settings()
    print_rows(
        {
            "variable": f"NEXTBEST_{item.name.upper()}",
            "value": getattr(given, item.name),
            "meaning": item.metadata["meaning"],
        }
        for item in fields(Settings)
    )


@app.command()
def doctor() -> None:
    """Look at data, models and versions, and name the cure of what is wrong."""
    from training.doctor import examine_all

    table = Table("", "looked at", "found", "cure", box=None, pad_edge=False)
    colours = {"good": "green", "note": "yellow", "bad": "red"}
    for finding in examine_all(load_settings(), _now()):
        mark = f"[{colours[finding.level]}]{finding.level}[/]"
        table.add_row(mark, finding.topic, finding.what, finding.cure)
    out.print(table)


def _now() -> datetime:
    return datetime.now(UTC)


def _present(settings: Settings, *, quiet: bool = False) -> datetime:
    """Return the instant to score at: now, or for an old export the moment after its last event."""
    from feature_repo.backends import open_log

    last_at = open_log(settings).summary().last_at
    now = _now()
    if last_at is None or now - last_at < STALE:
        return now
    if not quiet:
        out.print(f"the newest event is of {last_at:%Y-%m-%d}; as of that day")
    return last_at + timedelta(seconds=1)


if __name__ == "__main__":
    main()
