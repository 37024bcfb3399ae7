import sys
from pathlib import Path

here = Path(__file__).parent
for folder in ("faults", "stream", "laws", "segments_live"):
    sys.path.insert(0, str(here.parent / folder))
