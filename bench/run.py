"""All measurements, one after the other; each prints Markdown. Data: NEXTBEST_SHARED_DATA."""

import os
import subprocess
import sys
from pathlib import Path

BENCH = Path(__file__).parent
SHARED = Path(os.environ.get("NEXTBEST_SHARED_DATA", "../shared/data"))


def main() -> None:
    run("collect.py")
    run("decide.py")
    run("serve.py")
    run("first_day.py")
    retail = SHARED / "online_retail_ii"
    if retail.is_dir():
        run("first_day.py", "--data", "online_retail_ii", "--from", str(retail))
    else:
        print(f"left out: no folder {retail}; set NEXTBEST_SHARED_DATA")


def run(script: str, *words: str) -> None:
    threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"), "1")
    command = [sys.executable, str(BENCH / script), *words]
    subprocess.run(command, check=True, env=threads | dict(os.environ))


if __name__ == "__main__":
    main()
