"""The rows about the song: the sung pitch, where vowels begin, and one syllable for each note.

The songs are sung to real recordings where this machine has some, else to the hummed tune that the product makes.
"""

import json
import statistics

import numpy as np
import scipy.signal

import alignment
import corpus
import trackers
from rows import NotMeasured, Row, say

PROMPTS = [
    "a paper boat on its way to the sea",
    "dancing home in the summer rain",
    "the last train leaves at midnight and I think of you",
]
# The beginning of a recording is enough.
TUNE_SECONDS = 20.0
GOAL_PITCH = 98.0
GOAL_ONSET_MS = 25.0


def rows():
    return {"sung-pitch": sung_pitch, "onsets": onsets, "syllables": syllables}


def tunes(bench):
    """Names of the hummed or sung tunes of the corpus, and the folder in which they stand, cut to length."""

    def make():
        folder = bench.out / "tunes"
        tunes = corpus.Corpus(folder)
        for sound in bench.sounds():
            # Speech has no melody to sing.
            is_tune = sound.group in ("hummed", "real", "pseudo") and "speech" not in sound.name
            if is_tune and sound.condition == "clean":
                samples = corpus.samples_of(bench.corpus, sound)[: int(TUNE_SECONDS * sound.rate_hz)]
                tunes.add(sound.name, sound.group, "clean", samples, sound.rate_hz, None)
        tunes.finish()
        return folder, [tune.name for tune in tunes.sounds]

    return bench.once("tunes", make)


class Song:
    """A song with all that was meant, as `measure-engine song` wrote it."""

    def __init__(self, name, folder):
        self.name = name
        facts = json.loads((folder / "song.json").read_text())
        self.rate_hz = facts["rate_hz"]
        self.samples = np.fromfile(folder / "vocal.f32", dtype="<f4")
        self.notes = facts["melody"]["notes"]
        self.phrases = facts["melody"]["phrases"]
        self.lines = facts["lyrics"]["lines"]
        self.sounds = facts["sounds"]
        self.target_hz = np.array(facts["target"]["hz"])
        self.target_times = np.arange(len(self.target_hz)) * facts["target"]["hop_seconds"]

    def at_16_khz(self):
        return scipy.signal.resample_poly(self.samples, 160, self.rate_hz // 100)


def songs(bench):
    """Each tune with each prompt."""

    def make():
        made = []
        corpus_of_tunes, names = tunes(bench)
        for name in names:
            for seed, prompt in enumerate(PROMPTS[: 1 if bench.quick else None]):
                say(f"singing {name}, prompt {seed + 1}")
                folder = bench.out / f"song_{name}_{seed}"
                about = ["--sound", name, "--prompt", prompt, "--seed", seed, "--out", folder]
                bench.run_measure("song", corpus_of_tunes, *about)
                made.append(Song(f"{name}, prompt {seed + 1}", folder))
        return made

    return bench.once("songs", make)


def sung_pitch(bench):
    row = Row("sung-pitch", "sung F0 within 50 cents of the target (heard by SwiftF0)", f"≥ {GOAL_PITCH:.0f} %")
    figures = {song.name: agreement(song) for song in songs(bench)}
    frames = sum(figure["frames"] for figure in figures.values())
    within = {
        cents: 100 * sum(figure["frames"] * figure[cents] for figure in figures.values()) / frames
        for cents in ("within_50", "within_25")
    }
    median = statistics.median(figure["median_cents"] for figure in figures.values())
    row.ours = f"{within['within_50']:.1f} % (25 cents: {within['within_25']:.1f} %; median {median:.1f} cents)"
    row.met = within["within_50"] >= GOAL_PITCH
    row.details = figures
    return row


def agreement(song):
    """Shares of the target's voiced frames that an independent tracker hears within 50 and 25 cents."""
    heard = trackers.swift_f0(song.samples, song.rate_hz)
    voiced = song.target_hz > 0
    hz = np.abs(heard.hz)
    at = np.clip(np.searchsorted(heard.times, song.target_times[voiced]), 1, len(hz) - 1)
    # Between two frames of the tracker, in cents; where they lie an octave apart the nearer one alone.
    before, after = heard.times[at - 1], heard.times[at]
    share = np.clip((song.target_times[voiced] - before) / (after - before), 0.0, 1.0)
    low, high = np.log2(hz[at - 1]), np.log2(hz[at])
    mixed = np.where(np.abs(high - low) < 0.5, low + share * (high - low), np.where(share < 0.5, low, high))
    cents = 1200 * np.abs(mixed - np.log2(song.target_hz[voiced]))
    return {
        "frames": int(voiced.sum()),
        "within_50": float(np.mean(cents <= 50)),
        "within_25": float(np.mean(cents <= 25)),
        "median_cents": float(np.median(cents)),
    }


def onsets(bench):
    what = "vowel onset error, median (forced alignment by pocketsphinx)"
    row = Row("onsets", what, f"≤ {GOAL_ONSET_MS:.0f} ms")
    heard, planned, lines, unread = [], [], 0, 0
    for song in songs(bench):
        say(f"aligning {song.name}")
        sound = song.at_16_khz()
        starts = vowel_starts(song)
        first = 0
        for line in song.lines:
            these = line["syllables"]
            mine = [starts[first + index] for index in range(len(these))]
            first += len(these)
            notes = [song.notes[syllable["note"]]["onset_seconds"] for syllable in these]
            planned += [1000 * abs(start - note) for start, note in zip(mine, notes)]
            lines += 1
            found = alignment.vowels(sound, line["text"], notes[0] - 0.5, song.notes[these[-1]["note"]])
            if found is None or len(found) != len(notes):
                unread += 1
                continue
            heard += [1000 * (start - note) for start, note in zip(found, notes)]
    if not heard:
        raise NotMeasured("the aligner could read no line of any song")
    errors = np.abs(heard)
    row.ours = (
        f"{np.median(errors):.0f} ms (90 % within {np.percentile(errors, 90):.0f} ms, offset "
        f"{np.median(heard):+.0f} ms; meant {np.median(planned):.0f} ms; {lines - unread} of {lines} lines aligned)"
    )
    row.met = bool(np.median(errors) <= GOAL_ONSET_MS)
    row.details = {"errors_ms": [round(error) for error in heard], "lines": lines, "lines_not_aligned": unread}
    return row


def vowel_starts(song):
    """Where the first vowel of each syllable was placed, in order of the syllables."""
    starts = {}
    for sound in song.sounds:
        if sound["vowel"]:
            starts.setdefault(sound["syllable"], sound["start"])
    return [starts[syllable] for syllable in sorted(starts)]


def syllables(bench):
    """Notes of each phrase against syllables of its lines, and syllables placed against syllables written."""
    row = Row("syllables", "phrases with one syllable for each note (a line's last vowel may be held)", "100 %")
    phrases, right, held, others = 0, 0, 0, []
    for song in songs(bench):
        for index, phrase in enumerate(song.phrases):
            lines = [line["syllables"] for line in song.lines if line["phrase"] == index]
            sung = [syllable["note"] for line in lines for syllable in line]
            ends = {line[-1]["note"] for line in lines if line}
            missing = sorted(set(range(phrase["start"], phrase["end"])) - set(sung))
            # A note without a syllable goes on with the vowel before it, which has to be the last of its line.
            allowed = all(note - 1 in ends or note - 1 in missing for note in missing)
            phrases += 1
            held += bool(missing) and allowed
            if allowed and sung == sorted(set(sung)):
                right += 1
            else:
                others.append({"song": song.name, "phrase": index, "notes_sung": sung, "notes_missing": missing})
        if len(vowel_starts(song)) != sum(len(line["syllables"]) for line in song.lines):
            others.append({"song": song.name, "vowels_sung": len(vowel_starts(song))})
    row.ours = f"{100 * right / phrases:.1f} % of {phrases} phrases ({held} end with a held vowel)"
    row.met = right == phrases and not others
    row.details = {"phrases": phrases, "right": right, "held": held, "others": others}
    return row
