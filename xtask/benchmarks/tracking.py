"""The rows about the built-in tracker: accuracy on voices and tones, false alarms, speed."""

import numpy as np

import corpus
import scores
import trackers
from rows import NotMeasured, Row, percent, say


def rows():
    return {
        "tracker-real": real,
        "tracker-resyn": resyn,
        "tracker-tones": tones,
        "tracker-noise": noise,
        "tracker-speed": speed,
    }


def ours(bench):
    """Our tracks of the whole corpus, by name."""
    return bench.once("ours", lambda: bench.measured("tracks", bench.sounds()))


def score_ours(bench, sound):
    track = ours(bench)[sound.name]["track"]
    hz = np.array(track["hz"])
    return score(bench, sound, np.arange(len(hz)) * track["hop_seconds"], hz)


def score(bench, sound, times, hz):
    return scores.pitch(*corpus.truth_of(bench.corpus, sound), times, hz)


def torchcrepe(bench, sound):
    """Figures of torchcrepe tiny at its own threshold and at one half."""

    def make():
        say(f"torchcrepe tiny: {sound.name}")
        track = trackers.torchcrepe(corpus.samples_of(bench.corpus, sound), sound.rate_hz)
        return {
            "0.21": score(bench, sound, track.times, track.hz),
            "0.5": score(bench, sound, track.times, track.voiced_above(0.5)),
        }

    return bench.once(("torchcrepe", sound.name), make)


def pyin(bench, sound):
    def make():
        say(f"pYIN: {sound.name}")
        track = trackers.pyin(corpus.samples_of(bench.corpus, sound), sound.rate_hz)
        return score(bench, sound, track.times, track.hz)

    return bench.once(("pyin", sound.name), make)


def of_group(bench, group, clean):
    found = [s for s in bench.sounds() if s.group == group and (s.condition == "clean") == clean]
    if not found:
        bench.recordings()
        raise NotMeasured(f"no recording of the kind {group}")
    return found


def real(bench):
    row = Row("tracker-real", "built-in tracker, real singing: raw pitch accuracy / false alarm", "≥ 98.5 % / ≤ 7 %")
    bench.recordings()
    sounds = of_group(bench, "real", True)
    figures = [score_ours(bench, sound) for sound in sounds]
    crepe = [torchcrepe(bench, sound) for sound in sounds]
    pyins = [pyin(bench, sound) for sound in sounds]
    accuracy, alarm = scores.mean(figures, "rpa"), scores.mean(figures, "fa")
    row.ours = f"{percent(accuracy)} / {percent(alarm)}"
    theirs = [figure["0.21"] for figure in crepe]
    row.baseline = (
        f"torchcrepe tiny {percent(scores.mean(theirs, 'rpa'))} / {percent(scores.mean(theirs, 'fa'))}; "
        f"pYIN {percent(scores.mean(pyins, 'rpa'))} / {percent(scores.mean(pyins, 'fa'))}"
    )
    row.met = accuracy >= 98.5 and alarm <= 7.0
    names = [sound.name for sound in sounds]
    row.details = {
        "ours": dict(zip(names, figures)),
        "torchcrepe_tiny": dict(zip(names, crepe)),
        "pyin": dict(zip(names, pyins)),
    }
    return row


def clean_and_degraded(bench, row, group, goal_clean, goal_degraded):
    clean, degraded = of_group(bench, group, True), of_group(bench, group, False)
    found = {sound.name: score_ours(bench, sound) for sound in clean + degraded}
    theirs = {sound.name: torchcrepe(bench, sound)["0.21"] for sound in clean + degraded}
    values = []
    for figures in (found, theirs):
        for sounds in (clean, degraded):
            values.append(scores.mean([figures[sound.name] for sound in sounds], "rpa"))
    row.ours = f"{percent(values[0])} / {percent(values[1])}"
    row.baseline = f"torchcrepe tiny {percent(values[2])} / {percent(values[3])}"
    row.met = values[0] >= goal_clean and values[1] >= goal_degraded
    row.details = {"ours": found, "torchcrepe_tiny": theirs}
    return row


def resyn(bench):
    what = "… re-synthesised voices, clean / degraded: raw pitch accuracy"
    bench.recordings()
    return clean_and_degraded(bench, Row("tracker-resyn", what, "≥ 96 / 85 %"), "resyn", 96.0, 85.0)


def tones(bench):
    what = "… tones, clean / degraded: raw pitch accuracy"
    row = clean_and_degraded(bench, Row("tracker-tones", what, "≥ 99 / 97 %"), "tone", 99.0, 97.0)
    if bench.audio is None:
        row.what += " (made here only: no recordings)"
    return row


def noise(bench):
    row = Row("tracker-noise", "… noise and silence called voice", "≤ 1 %")
    sounds = of_group(bench, "novoice", True)
    found = {sound.name: score_ours(bench, sound) for sound in sounds}
    crepe = {sound.name: torchcrepe(bench, sound)["0.21"] for sound in sounds}
    pyins = {sound.name: pyin(bench, sound) for sound in sounds}
    alarm = scores.mean(found.values(), "fa")
    row.ours = percent(alarm)
    row.baseline = (
        f"pYIN {percent(scores.mean(pyins.values(), 'fa'))}; "
        f"torchcrepe tiny {percent(scores.mean(crepe.values(), 'fa'))}"
    )
    row.met = alarm <= 1.0
    row.details = {"ours": found, "pyin": pyins, "torchcrepe_tiny": crepe}
    return row


def speed(bench):
    row = Row("tracker-speed", "built-in tracker, speed per CPU-second", "≥ 100× real time, ≥ 25× torchcrepe tiny")
    # Real singing where there is some, else the made tones, which cost the same.
    groups = {sound.group for sound in bench.sounds()}
    group = "real" if "real" in groups else "tone"
    sound = max(of_group(bench, group, True), key=lambda sound: sound.seconds)
    samples = corpus.samples_of(bench.corpus, sound)
    trackers.torchcrepe(samples[: 2 * sound.rate_hz], sound.rate_hz)  # loads and warms up
    rounds = 1 if bench.quick else 3
    found, theirs = [], []
    say(f"speed, in turns: {sound.name}")
    for _ in range(rounds):
        found.append(bench.measured("tracks", [sound], "--rounds", "3")[sound.name]["took"])
        track = trackers.torchcrepe(samples, sound.rate_hz)
        theirs.append({"wall_seconds": track.wall_seconds, "cpu_seconds": track.cpu_seconds})
    fast = sound.seconds / min(took["cpu_seconds"] for took in found)
    slow = sound.seconds / min(took["cpu_seconds"] for took in theirs)
    wall = sound.seconds / min(took["wall_seconds"] for took in found)
    row.ours = f"{fast:.0f}× real time ({wall:.0f}× on the clock), {fast / slow:.0f}× torchcrepe tiny"
    row.baseline = f"torchcrepe tiny {slow:.1f}× real time"
    row.met = fast >= 100 and fast / slow >= 25
    row.details = {"sound": sound.name, "seconds": sound.seconds, "ours": found, "torchcrepe_tiny": theirs}
    return row
