"""What the analysis of songs finds, held against the truth, against plain rules and against music21.

Two corpora: songs that are made from their truth (`analyse --labelled`), and the MIDI files of the shared test data, where
this machine has them, of which only what the files say of themselves is known. One scorer for all sides.
"""

import argparse
import json
import pathlib
import shutil
import statistics
import subprocess
import sys
import time
import warnings

import music21

ROLES_SCORED = ("melody", "bass", "chords", "pad", "drums")


def run(program, files):
    out = subprocess.run([program, *map(str, files)], check=True, capture_output=True, text=True).stdout
    return [json.loads(line) for line in out.splitlines()]


def peer(path, with_chords=True):
    """Key and the root of the longest chord of every beat (quarter) as music21 reads them, and how long it takes."""
    started = time.perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        score = music21.converter.parse(path, forceSource=True)
        found = score.analyze("key")
        roots = {}
        if with_chords:
            pitched = music21.stream.Score()
            for part in score.parts:
                players = list(part.recurse().getElementsByClass("Instrument"))
                if not any(i.midiChannel == 9 or "Percussion" in type(i).__name__ for i in players):
                    pitched.insert(0, part)
            longest = {}
            for chord in pitched.chordify().flatten().getElementsByClass("Chord"):
                root = chord.root().pitchClass
                start, end = float(chord.offset), float(chord.offset + chord.quarterLength)
                beat = int(start)
                while beat < end:
                    length = min(end, beat + 1) - max(start, beat)
                    if length > longest.get(beat, 0.0):
                        longest[beat], roots[beat] = length, root
                    beat += 1
    ms = (time.perf_counter() - started) * 1e3
    return [found.tonic.pitchClass, found.mode == "minor"], roots, ms


class Tally:
    """Right and all, by row and column."""

    def __init__(self):
        self.cells = {}

    def add(self, row, column, right, count=1):
        good, whole = self.cells.get((row, column), (0, 0))
        self.cells[row, column] = (good + right, whole + count)

    def show(self, title, columns):
        print(f"\n{title}\n")
        print("| | " + " | ".join(columns) + " |")
        print("|---" * (len(columns) + 1) + "|")
        rows = list(dict.fromkeys(row for row, _ in self.cells))
        for row in rows:
            cells = [self.cells.get((row, column)) for column in columns]
            texts = ["–" if cell is None or not cell[1] else f"{cell[0] / cell[1]:.1%} of {cell[1]}" for cell in cells]
            print(f"| {row} | " + " | ".join(texts) + " |")


def kinship(found, truth):
    """Whether it is the key, and whether its notes are the key's (relative keys included)."""
    collection = lambda key: (key[0] + (3 if key[1] else 0)) % 12
    return list(found) == list(truth), found is not None and collection(found) == collection(truth)


def score_labelled(tally, song, truth, other):
    modulates = any(bar[0] != truth["key"] for bar in truth["bars"])

    def keys(column, found):
        if found is not None:
            same, kin = kinship(found, truth["key"])
            tally.add("first key of songs that modulate" if modulates else "key of songs in one key", column, same)
            if not modulates:
                tally.add("– or its relative", column, kin)

    keys("Descant", song["key"])
    keys("plain", song["baseline"]["key"])
    bars = truth["bars"]
    for span in song["keys"]:
        for bar in range(span[0], min(span[1], len(bars))):
            same, kin = kinship(span[2:], bars[bar][0])
            tally.add("key bar by bar", "Descant", same)
            tally.add("– or its relative, by bar", "Descant", kin)
            tally.add("key bar by bar", "plain", kinship(song["baseline"]["key"], bars[bar][0])[0])
    length = truth["bar_quarters"]
    for (start, _, root, name, confidence), plain in zip(song["chords"], song["baseline"]["chords"]):
        bar = int((start + 1e-6) // length)
        if bar >= len(bars):
            continue
        right = root == bars[bar][1]
        tally.add("chord root by beat", "Descant", right)
        tally.add("chord root by beat", "plain", plain == bars[bar][1])
        row = "– where confidence ≥ 0.6" if confidence >= 0.6 else "– where confidence < 0.3" if confidence < 0.3 else None
        if row:
            tally.add(row, "Descant", right)
        if other:
            tally.add("chord root by beat", "music21", other[1].get(int(start)) == bars[bar][1])
    if other:
        keys("music21", other[0])
        for bar in bars:
            tally.add("key bar by bar", "music21", kinship(other[0], bar[0])[0])
    if len(song["parts"]) != len(truth["roles"]):
        sys.exit(f"{song['file']} has other parts than its truth")
    for index, (role, part) in enumerate(zip(truth["roles"], song["parts"])):
        if role in ROLES_SCORED and not truth["doubles"][index]:
            tally.add(f"role: {role}", "Descant", part["role"] == role)
        if role in ("melody", "bass") and not truth["doubles"][index]:
            tally.add(f"role: {role}", "plain", song["baseline"][role] == index)
        tally.add("doubles", "Descant", (part["doubles"] is not None) == truth["doubles"][index])
    labels = {bar: label for start, end, label in song["sections"] for bar in range(start, end)}
    starts = range(0, len(bars), 8)
    for a in starts:
        for b in starts:
            if a < b:
                alike = bars[a][3] == bars[b][3]
                tally.add("sections alike or unlike (pairs)", "Descant", (labels[a] == labels[b]) == alike)
                tally.add("sections alike or unlike (pairs)", "plain", not alike)


def score_shifted(tally, song):
    for length, found, phase, pickup, _ in song["without_signature"] or []:
        # Bars of 2/4 are joined to 4/4.
        same = abs(length - found) < 1e-6 or abs(2 * length - found) < 1e-6
        tally.add("bar's length without the signature", "Descant", same)
        tally.add("bar's length without the signature", "plain", length == 4)
        tally.add("– and bar line (0–3 quarters late)", "Descant", same and abs(phase - pickup) < 0.01)
        tally.add("– and bar line (0–3 quarters late)", "plain", length == 4 and phase == 0)


def labelled(arguments, folder):
    subprocess.run([arguments.program, "--labelled", str(arguments.songs), str(folder)], check=True)
    files = sorted(folder.glob("*.mid"))[: arguments.songs]
    tally, times, peer_times = Tally(), [], []
    for index, (file, song) in enumerate(zip(files, run(arguments.program, files))):
        truth = json.loads(file.with_suffix(".json").read_text())
        other = peer(file) if index < arguments.peers else None
        score_labelled(tally, song, truth, other)
        score_shifted(tally, song)
        times.append(song["ms"])
        if other:
            peer_times.append(other[2])
    tally.show(
        f"{len(files)} made songs; music21 {music21.__version__} on the first {arguments.peers}",
        ["Descant", "plain", "music21"],
    )
    print_times(times, peer_times)


def real(arguments, files):
    tally, times, peer_times = Tally(), [], []
    names = "C C# D Eb E F F# G Ab A Bb B".split()
    name = lambda key: "–" if key is None else names[key[0]] + (" minor" if key[1] else " major")
    print("\n| file | bars | key | music21 | signature | meter | bpm | roots as music21 | ms |\n" + "|---" * 9 + "|")
    for file, song in zip(files, run(arguments.program, files)):
        has_notes = song["key"] is not None
        key, roots, ms = peer(file) if has_notes else (None, {}, None)
        beats = [chord for chord in song["chords"] if chord[2] is not None and int(chord[0]) in roots]
        same = sum(roots[int(start)] == root for start, _, root, _, _ in beats)
        plain = [
            (plain, roots[int(chord[0])])
            for chord, plain in zip(song["chords"], song["baseline"]["chords"])
            if int(chord[0]) in roots and plain is not None
        ]
        if has_notes:
            tally.add("key as music21", "Descant", song["key"] == key)
            tally.add("key as music21", "plain", song["baseline"]["key"] == key)
            tally.add("chord root by beat as music21", "Descant", same, len(beats))
            tally.add("chord root by beat as music21", "plain", sum(a == b for a, b in plain), len(plain))
            times.append(song["ms"])
            peer_times.append(ms)
        signatures = [[(7 * s + (9 if minor else 0)) % 12, minor] for s, minor in song["signatures"]]
        # "C major" without sharps or flats is what programs write when nobody told them.
        told = [key for key in signatures if key != [0, False]]
        if told and has_notes:
            tally.add("notes of the signature's key", "Descant", kinship(song["key"], told[0])[1])
            tally.add("notes of the signature's key", "plain", kinship(song["baseline"]["key"], told[0])[1])
            tally.add("notes of the signature's key", "music21", kinship(key, told[0])[1])
        score_shifted(tally, song)
        meter = song["meter"] + ("" if song["meter_is_given"] else " (" + song["meter_reading"]["source"] + ")")
        agree = f"{same / len(beats):.0%} of {len(beats)}" if beats else "–"
        print(
            f"| {file.stem} | {len(song['bars'])} | {name(song['key'])} | {name(key)} |"
            f" {name(told[0]) if told else '–'} | {meter} | {song['tempo']['median_bpm']:.0f} | {agree} | {song['ms']:.1f} |"
        )
    tally.show(f"{len(files)} files", ["Descant", "plain", "music21"])
    print_times(times, peer_times)


def print_times(times, peer_times):
    line = f"\nms per song, median (most): Descant {statistics.median(times):.1f} ({max(times):.1f})"
    if peer_times:
        line += f", music21 with reading {statistics.median(peer_times):.0f} ({max(peer_times):.0f})"
    print(line)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--program", required=True, help="the built example `analyse`")
    parser.add_argument("--out", required=True, type=pathlib.Path)
    parser.add_argument("--data", type=pathlib.Path, help="folder with MIDI files")
    parser.add_argument("--songs", type=int, default=200, help="how many labelled songs")
    parser.add_argument("--peers", type=int, default=30, help="how many of them music21 reads as well")
    arguments = parser.parse_args()
    folder = arguments.out / "labelled"
    shutil.rmtree(folder, ignore_errors=True)
    labelled(arguments, folder)
    files = sorted(arguments.data.glob("*.mid")) if arguments.data else []
    if files:
        real(arguments, files)
    else:
        print("\nno folder with MIDI files (--data): only made songs were measured")


if __name__ == "__main__":
    main()
