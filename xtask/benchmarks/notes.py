"""The row about notes: the melody's notes against what two people wrote down."""

import contextlib
import logging
import sys

import mir_eval
import numpy as np
import soundfile

import corpus
from rows import Row, say

ONSET_SECONDS = 0.100
PITCH_CENTS = 50.0
GOAL = 0.88


def rows():
    return {"notes": notes}


def annotations(audio):
    """Notes that people wrote down: recording name → annotator → rows of (onset, end, Hz)."""
    return notes_beside(audio, "*_notes*.csv") if audio else {}


def notes_beside(folder, pattern):
    found = {}
    for file in sorted(folder.glob(pattern)):
        name, _, annotator = file.stem.rpartition("_notes")
        onset, hz, length = np.loadtxt(file, delimiter=",").T
        found.setdefault(name, {})[annotator] = np.column_stack([onset, onset + length, hz])
    return found


def f1(truth, found, with_offsets=False):
    """Onset within 100 ms and pitch within 50 cents; with offsets also the end within 20 % of the note or 50 ms."""
    truth, found = np.asarray(truth), np.asarray(found)
    if len(found) == 0:
        return 0.0
    _, _, score, _ = mir_eval.transcription.precision_recall_f1_overlap(
        truth[:, :2], truth[:, 2], found[:, :2], found[:, 2],
        onset_tolerance=ONSET_SECONDS, pitch_tolerance=PITCH_CENTS, offset_ratio=0.2 if with_offsets else None,
    )
    return float(score)


def basic_pitch(path):
    """Notes by basic-pitch with its own settings."""
    logging.disable(logging.WARNING)  # it complains about runtimes that it does not need
    with contextlib.redirect_stdout(sys.stderr):
        from basic_pitch.inference import predict

        _, _, events = predict(path)
    logging.disable(logging.NOTSET)
    rows = sorted((start, end, 440.0 * 2 ** ((pitch - 69) / 12)) for start, end, pitch, *_ in events if end > start)
    return np.array(rows)


def notes(bench):
    row = Row("notes", "notes: F1 of onset and pitch against human annotations", f"≥ {GOAL}")
    annotated = annotations(bench.audio)
    if not annotated:
        bench.sounds()
        row.what = "notes: F1 of onset and pitch, a made hum only (no recordings)"
        annotated = notes_beside(bench.corpus, "hum_notes.csv")
    sounds = [sound for sound in bench.sounds() if sound.name in annotated and sound.condition == "clean"]
    ours = bench.measured("notes", sounds)
    figures, theirs, people = [], [], []
    for sound in sounds:
        say(f"basic-pitch: {sound.name}")
        file = bench.out / f"{sound.name}.wav"
        soundfile.write(file, corpus.samples_of(bench.corpus, sound), sound.rate_hz, subtype="FLOAT")
        by_basic_pitch = basic_pitch(file)
        truths = annotated[sound.name]
        for annotator, truth in truths.items():
            found = ours[sound.name]["notes"]
            place = {"sound": sound.name, "annotator": annotator}
            figures.append(place | {"f1": f1(truth, found), "f1_with_offsets": f1(truth, found, True)})
            theirs.append(
                place | {"f1": f1(truth, by_basic_pitch), "f1_with_offsets": f1(truth, by_basic_pitch, True)}
            )
        pairs = [(a, b) for a in truths for b in truths if a < b]
        people += [{"sound": sound.name, "pair": pair, "f1": f1(truths[pair[0]], truths[pair[1]])} for pair in pairs]
    mean = lambda rows: float(np.mean([row["f1"] for row in rows]))  # noqa: E731
    each = ", ".join(f"{figure['f1']:.2f}" for figure in figures)
    row.ours = f"{mean(figures):.3f} ({each})"
    row.baseline = f"basic-pitch {mean(theirs):.2f}"
    if people:
        row.baseline += f"; two people {mean(people):.2f}"
    row.met = mean(figures) >= GOAL
    row.details = {"ours": figures, "basic_pitch": theirs, "people": people}
    return row
