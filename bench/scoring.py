"""A million customers scored: time, memory, and whether both engines say the same.

    python bench/scoring.py [--customers 1000000] [--shop 5000] [--seed 7] [--home FOLDER]
                            [--engines embedded ray] [--threads 2] [--profile]

Prints Markdown. A demo shop of --shop customers is generated and trained; a score that does not
beat its baseline there is scored all the same. The feature rows of its customers are drawn with
replacement, fractions moved by up to 5 %, until there are as many as asked for. From there all is
`nextbest score` as it is: values, factors, ranks, records online and in the history, the table of
profiles. Only the feature build is left out, and nobody has traits. Each engine runs in a process
of its own. Memory is the largest sum of PSS over it and its children, CPU the sum of their seconds,
looked at twice a second; on a busy machine CPU says more than seconds. --home keeps the trained
shop for the next time. --profile prints where an embedded run spends its time.
"""

import argparse
import cProfile
import os
import pstats
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq

from domain.events import to_micros
from domain.settings import Settings
from feature_repo.build import ROWS_PER_GROUP, VIEWS, view_file
from training.champions import score_champions
from training.recipe import recipe_names, score_names
from training.scoring import score_with
from training.tracking import Move, Tracker
from training.walkthrough import walk_through
from training.workshop import open_workshop

NOW = datetime(2026, 6, 1, tzinfo=UTC)
ROOT = Path(__file__).parents[1]


def main() -> None:
    given = _arguments()
    if given.run:
        run(given)
        return
    with tempfile.TemporaryDirectory(prefix="nextbest-bench-") as scratch:
        shop = given.home or Path(scratch) / "shop"
        if not (shop / "scored").exists():
            settings = replace(Settings(), home=shop, seed=given.seed, threads=1)
            walk_through(settings, "", "", given.shop, NOW, lambda what, share: None)
        release_all(shop)
        load = " ".join(Path("/proc/loadavg").read_text().split()[:3])
        print(
            f"{given.customers:,} customers drawn from a shop of {given.shop:,}, "
            f"seed {given.seed}; {given.threads} threads or workers; load {load}\n"
        )
        print(f"| engine | seconds | CPU s | peak MiB | result |\n|{' --- |' * 5}")
        homes = {}
        for engine in given.engines:
            homes[engine] = home = Path(scratch) / engine
            shutil.copytree(shop, home, ignore=shutil.ignore_patterns("mlruns", "offline"))
            draw_features(shop, home, given.customers, given.seed)
            found = measured(given, engine, home)
            print(f"| {engine} | {' | '.join(found)} |", flush=True)
        if len(homes) > 1:
            one, other = (results(home) for home in list(homes.values())[:2])
            print(f"\nequal numbers: {'yes' if one.equals(other) else 'NO'}")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--customers", type=int, default=1_000_000)
    parser.add_argument("--shop", type=int, default=5_000)
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--engines", nargs="+", default=["embedded", "ray"])
    parser.add_argument("--home", type=Path)
    parser.add_argument("--profile", action="store_true")
    parser.add_argument("--run", default="", help=argparse.SUPPRESS)
    return parser.parse_args()


def release_all(shop: Path) -> None:
    """Make the newest run of every score its champion: here it may be worse than its baseline."""
    tracker = Tracker.open(shop)
    for name in (n for recipe in recipe_names() for n in score_names(recipe)):
        runs = tracker.runs(name)
        if runs and tracker.champion(name) is None:
            version = tracker.register(name, runs[0].run_id, {})
            tracker.promote(name, version, Move(NOW, "promote", "for the bench"))


def draw_features(shop: Path, home: Path, customers: int, seed: int) -> None:
    """Write the feature files of the drawn customers, as a build would."""
    for view in VIEWS:
        rng = np.random.default_rng(seed)  # the same rows of every view
        known = pd.read_parquet(view_file(shop, view, to_micros(NOW)))
        rows = known.take(rng.integers(0, len(known), customers)).reset_index(drop=True)
        rows["profile_id"] = [f"c{n:09d}" for n in range(customers)]
        for name in rows.select_dtypes("float64"):
            values = rows[name].to_numpy()
            moved = values * rng.uniform(0.95, 1.05, customers)
            rows[name] = np.where(values % 1 == 0, values, moved)
        target = view_file(home, view, to_micros(NOW))
        target.parent.mkdir(parents=True, exist_ok=True)
        rows.to_parquet(target, compression="zstd", row_group_size=ROWS_PER_GROUP, index=False)


def measured(given: argparse.Namespace, engine: str, home: Path) -> list[str]:
    """Run one engine; return its seconds, its CPU seconds, its peak memory and what it said."""
    command = [sys.executable, __file__, "--run", engine, "--home", str(home)]
    command += ["--threads", str(given.threads), *(["--profile"] if given.profile else [])]
    pools = {f"{pool}_NUM_THREADS": "1" for pool in ("OMP", "OPENBLAS", "MKL")}
    env = {**os.environ, **pools, "PYTHONPATH": str(ROOT)}
    start, peak, cpu = time.perf_counter(), 0.0, {}
    with subprocess.Popen(command, env=env, stdout=subprocess.PIPE, text=True) as process:
        while process.poll() is None:
            pids = family(process.pid)
            peak = max(peak, sum(pss_mib(pid) for pid in pids))
            cpu |= {pid: cpu_seconds(pid) or cpu.get(pid, 0.0) for pid in pids}
            time.sleep(0.5)
        said = process.stdout.read() if process.stdout else ""
    if process.returncode:
        raise SystemExit(f"{engine} ended with {process.returncode}")
    seconds = time.perf_counter() - start
    return [f"{seconds:.0f}", f"{sum(cpu.values()):.0f}", f"{peak:.0f}", said.strip()]


def run(given: argparse.Namespace) -> None:
    """Score once, in this process."""
    settings = replace(Settings(), home=given.home.resolve(), threads=given.threads)
    profile = cProfile.Profile()
    with open_workshop(settings, NOW) as shop:
        shop.built.add(NOW)  # its features were drawn
        champions = score_champions(Tracker.open(settings.home))
        if given.profile:
            profile.enable()
        done = score_with(shop, champions, NOW, given.run)
        profile.disable()
    print(done.summary())
    if given.profile:
        pstats.Stats(profile, stream=sys.stderr).sort_stats("cumulative").print_stats(45)


def results(home: Path) -> pd.DataFrame:
    """Return the records of the newest scoring, by profile."""
    files = sorted((home / "offline" / "scores").glob("*.parquet"))
    newest = max(files, key=lambda file: file.stat().st_mtime_ns)
    return pq.read_table(newest, columns=["profile_id", "records"]).to_pandas()


def family(root: int) -> list[int]:
    """Return a process and all that descend from it."""
    children: dict[int, list[int]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = int(stat.read_text().rpartition(")")[2].split()[1])
        except OSError:
            continue
        children.setdefault(parent, []).append(int(stat.parent.name))
    found = [root]
    for pid in found:
        found += children.get(pid, [])
    return found


def cpu_seconds(pid: int) -> float:
    """Return what a process used; 0 where it has ended."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return 0.0
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def pss_mib(pid: int) -> float:
    """Return the memory of a process, shared pages by their share; 0 where it has ended."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0.0
    return next((int(line.split()[1]) / 1024 for line in lines if line.startswith("Pss:")), 0.0)


if __name__ == "__main__":
    main()
