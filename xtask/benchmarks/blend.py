"""Medians of smg-metrics over MIDI files of several kinds.

Reads lines `KIND<TAB>ROOT<TAB>MODE<TAB>FILE` from standard input (root as a pitch class, mode `major` or `minor`, both
needed by the measures that look for notes outside the key) and prints a row of a table for each kind."""

import dataclasses
import statistics
import sys

import smg_metrics

MEASURES = [
    ("sc", "scale consistency"),
    ("ook", "out of key"),
    ("pce", "pitch-class entropy"),
    ("gs", "grooving similarity"),
    ("ngram_div", "n-gram diversity"),
    ("ebr", "empty beats"),
]


def measured(path, root, mode):
    harmony = smg_metrics.single_file_harmony(path, root=root, mode=mode)
    rhythm = smg_metrics.single_file_rhythm(path)
    found = {}
    for result in (harmony, rhythm):
        values = dataclasses.asdict(result)
        found.update({name.lower(): value for name, value in values.items()})
    return found


def main():
    kinds = {}
    for line in sys.stdin:
        kind, root, mode, path = line.rstrip("\n").split("\t")
        kinds.setdefault(kind, []).append(measured(path, int(root), mode))
    print("| smg-metrics: median | " + " | ".join(name for _, name in MEASURES) + " |")
    print("|---" * (len(MEASURES) + 1) + "|")
    for kind, files in kinds.items():
        cells = []
        for key, _ in MEASURES:
            values = [file[key] for file in files if file.get(key) is not None]
            cells.append(f"{statistics.median(values):.3f}" if values else "–")
        print(f"| {kind} ({len(files)} files) | " + " | ".join(cells) + " |")


if __name__ == "__main__":
    main()
