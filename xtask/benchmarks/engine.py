"""Measures the engine beside what people use today: run by `cargo xtask bench engine`, which installs and builds first.

Prints one table (what, goal, ours, baseline, met or short) and writes every figure behind it as JSON. Ends with 0 also
where something falls short, and with 1 when a row could not be measured.
"""

import argparse
import datetime
import json
import os
import pathlib
import platform
import sys
import time
import traceback

import crepe
import notes
import program
import rows as shared
import singing
import sung_words
import tracking

ALL = tracking.rows() | crepe.rows() | notes.rows() | singing.rows() | sung_words.rows() | program.rows()


def main():
    arguments = parse()
    audio = arguments.data / "audio" if arguments.data and (arguments.data / "audio").is_dir() else None
    if audio is None:
        print("no recordings here (DESCANT_SHARED_DATA): rows that need them are not measured", file=sys.stderr)
    arguments.out.mkdir(parents=True, exist_ok=True)
    cores = shared.two_cores()
    bench = shared.Bench(arguments.programs, arguments.out, audio, arguments.quick)
    measured = [measure(bench, key) for key in arguments.only or ALL]
    table = markdown(measured)
    print(table)
    (arguments.out / "engine.md").write_text(table + "\n")
    report = {
        "date": datetime.date.today().isoformat(),
        "machine": f"{platform.machine()}, {cores} cores used",
        "quick": arguments.quick,
        "recordings": audio is not None,
        "rows": [vars(row) | {"verdict": row.verdict} for row in measured],
    }
    file = arguments.out / "engine.json"
    file.write_text(json.dumps(report, indent=1, ensure_ascii=False, default=plain))
    print(f"\nevery figure behind the table: {file}")
    missing = [row for row in measured if row.missing]
    for row in missing:
        print(f"not measured: {row.key}: {row.missing}")
    return 1 if missing else 0


def parse():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--programs", type=pathlib.Path, required=True, help="folder of the release build")
    parser.add_argument("--out", type=pathlib.Path, required=True, help="folder for sounds and figures")
    parser.add_argument("--data", type=pathlib.Path, help="folder of the recordings, if there is one")
    parser.add_argument("--only", nargs="+", choices=list(ALL), metavar="ROW", help=", ".join(ALL))
    parser.add_argument("--quick", action="store_true", help="fewer sounds and rounds: rough figures in a few minutes")
    return parser.parse_args()


def measure(bench, key):
    started = time.perf_counter()
    try:
        row = ALL[key](bench)
    except shared.NotMeasured as why:
        row = shared.Row(key, key, "", missing=str(why))
    except Exception as why:  # One row that breaks must not take the others with it; it is reported and fails the run.
        traceback.print_exc()
        row = shared.Row(key, key, "", missing=f"{type(why).__name__}: {why}")
    row.details["measuring_seconds"] = round(time.perf_counter() - started, 1)
    return row


def markdown(measured):
    """The table, as it is printed and as it goes into docs/quality.md."""
    heads = ["What", "Goal", "Ours", "Baseline", ""]
    cells = [[row.what, row.goal, row.ours, row.baseline, row.verdict] for row in measured]
    widths = [max(len(line[column]) for line in [heads, *cells]) for column in range(len(heads))]
    lines = [heads, ["-" * width for width in widths], *cells]
    return "\n".join("| " + " | ".join(map(str.ljust, line, widths)) + " |" for line in lines)


def plain(value):
    """What JSON does not know: numbers of numpy, paths."""
    return value.item() if hasattr(value, "item") else str(value)


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "2")
    sys.exit(main())
