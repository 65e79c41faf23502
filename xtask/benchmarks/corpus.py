"""The sounds with known pitch that trackers are measured on.

A corpus is a folder with a raw file of float32 samples for each sound, its truth as `time_seconds,f0_hz` rows, and
`manifest.json`. Some sounds are the recordings of the shared test data, where this machine has them; the rest is made
here, from fixed seeds: additive tones, WORLD re-synthesis of the recordings (Morise et al. 2016) whose F0 is known
because the sound was made from it, the usual damages, and sounds without any voice.
"""

import argparse
import json
import pathlib
from dataclasses import asdict, dataclass

import numpy as np
import pyworld
import scipy.signal
import soundfile

RATE_HZ = 44_100
REVERB_SECONDS = 0.6
TELEPHONE_HZ = (300.0, 3400.0)
# The sound above the noise, and above the hum of the mains.
NOISE_DB = 10.0
MAINS_DB = 12.0


@dataclass
class Sound:
    name: str
    # real, pseudo, hummed, resyn, tone, novoice or mains
    group: str
    # clean, noise, telephone, reverb, clip or mains
    condition: str
    rate_hz: int
    seconds: float
    samples: str
    truth: str | None


class Corpus:
    """Writes sounds into a folder."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.sounds = []

    def add(self, name, group, condition, samples, rate_hz, truth):
        """`truth` is a pair of arrays (seconds, Hz; 0 unvoiced, -1 undecided) or None where nothing is voiced."""
        stem = name if condition == "clean" or condition in name else f"{name}_{condition}"
        samples = np.clip(np.asarray(samples, dtype=np.float64), -1.0, 1.0).astype("<f4")
        samples.tofile(self.folder / f"{stem}.f32")
        truth_file = None
        if truth is not None:
            truth_file = f"{stem}.csv"
            np.savetxt(self.folder / truth_file, np.column_stack(truth), fmt="%.6f", delimiter=",")
        sound = Sound(stem, group, condition, rate_hz, len(samples) / rate_hz, f"{stem}.f32", truth_file)
        self.sounds.append(sound)

    def add_with_damages(self, name, group, samples, rate_hz, truth, conditions):
        self.add(name, group, "clean", samples, rate_hz, truth)
        for condition in conditions:
            self.add(name, group, condition, DAMAGES[condition](samples, rate_hz), rate_hz, truth)

    def finish(self):
        text = json.dumps([asdict(sound) for sound in self.sounds], indent=1)
        (self.folder / "manifest.json").write_text(text)


def load(folder):
    """The sounds of a corpus that was made before."""
    rows = json.loads((pathlib.Path(folder) / "manifest.json").read_text())
    return [Sound(**row) for row in rows]


def samples_of(folder, sound):
    return np.fromfile(pathlib.Path(folder) / sound.samples, dtype="<f4")


def truth_of(folder, sound):
    """Times and F0 of a sound; all unvoiced where it has no truth file."""
    if sound.truth is None:
        times = np.arange(0.0, sound.seconds, 0.010)
        return times, np.zeros_like(times)
    rows = np.loadtxt(pathlib.Path(folder) / sound.truth, delimiter=",")
    return rows[:, 0], rows[:, 1]


# Damages. Each keeps length and level, so that the truth of the clean sound stays true.


def with_level_of(samples, reference):
    level = np.sqrt(np.mean(samples**2))
    samples = samples * (np.sqrt(np.mean(reference**2)) / max(level, 1e-12))
    return samples / max(1.0, np.abs(samples).max())


def noisy(samples, rate_hz, decibels=NOISE_DB):
    noise = np.random.default_rng(1).standard_normal(len(samples))
    noise *= np.sqrt(np.mean(samples**2)) * 10 ** (-decibels / 20)
    return with_level_of(samples + noise, samples)


def telephone(samples, rate_hz):
    band = scipy.signal.butter(4, TELEPHONE_HZ, "bandpass", fs=rate_hz, output="sos")
    # Forth and back: no delay.
    return with_level_of(scipy.signal.sosfiltfilt(band, samples), samples)


def reverberant(samples, rate_hz):
    """A direct sound and a diffuse tail of the same energy that falls by 60 dB in REVERB_SECONDS."""
    times = np.arange(int(REVERB_SECONDS * rate_hz)) / rate_hz
    tail = np.random.default_rng(2).standard_normal(len(times)) * 10 ** (-3.0 * times / REVERB_SECONDS)
    tail[: int(0.005 * rate_hz)] = 0.0
    tail /= np.sqrt(np.sum(tail**2))
    tail[0] = 1.0
    return with_level_of(scipy.signal.fftconvolve(samples, tail)[: len(samples)], samples)


def clipped(samples, rate_hz):
    limit = 0.25 * np.abs(samples).max()
    return with_level_of(np.clip(samples, -limit, limit), samples)


def with_mains(samples, rate_hz):
    hum = mains(len(samples), rate_hz, 50.0)
    return with_level_of(samples + 10 ** (-MAINS_DB / 20) * np.sqrt(np.mean(samples**2)) * hum, samples)


DAMAGES = {
    "noise": noisy,
    "telephone": telephone,
    "reverb": reverberant,
    "clip": clipped,
    "mains": with_mains,
}


def mains(length, rate_hz, hz):
    """Hum of the mains with odd and even harmonics, RMS 1."""
    times = np.arange(length) / rate_hz
    hum = sum(np.sin(2 * np.pi * hz * k * times + k) / k for k in range(1, 8))
    return hum / np.sqrt(np.mean(hum**2))


# Tones: harmonics under vowel-like resonances, with vibrato, glides and rests.

# Lowest and highest note (MIDI) and the resonances in Hz.
SINGERS = {
    "bass": (36, 57, (500.0, 1000.0, 2400.0)),
    "tenor": (45, 69, (650.0, 1100.0, 2500.0)),
    "alto": (53, 77, (700.0, 1200.0, 2700.0)),
    "soprano": (60, 89, (800.0, 1300.0, 2900.0)),
}


def tone_contour(singer, seconds, seed):
    """F0 in Hz for each millisecond, 0 in rests: notes with glides between some and vibrato on most."""
    low, high, _ = SINGERS[singer]
    rng = np.random.default_rng(seed)
    pitch = []
    last = None
    while len(pitch) < seconds * 1000:
        note = rng.uniform(low, high)
        length = int(rng.uniform(180, 900))
        glide = int(rng.uniform(40, 120)) if last is not None and rng.random() < 0.7 else 0
        start = last if glide else note
        curve = np.full(length, note)
        curve[:glide] = np.linspace(start, note, glide)[:length]
        times = np.arange(length) / 1000
        depth = rng.uniform(0.0, 0.6) * np.clip((times - 0.15) / 0.2, 0.0, 1.0)
        curve += depth * np.sin(2 * np.pi * rng.uniform(4.8, 6.5) * times)
        pitch.extend(curve)
        last = curve[-1]
        if rng.random() < 0.3:
            pitch.extend([np.nan] * int(rng.uniform(80, 400)))
            last = None
    pitch = np.array(pitch[: int(seconds * 1000)])
    return np.where(np.isnan(pitch), 0.0, 440.0 * 2 ** ((np.nan_to_num(pitch) - 69) / 12))


def tone(singer, seconds, seed):
    """Samples at RATE_HZ and truth."""
    f0 = tone_contour(singer, seconds, seed)
    length = int(seconds * RATE_HZ)
    times = np.arange(length) / RATE_HZ
    grid = np.arange(len(f0)) / 1000
    voiced = np.interp(times, grid, (f0 > 0).astype(float))
    # Where F0 rests it is held, so that the phase is defined; the gain is 0 there.
    known = np.flatnonzero(f0 > 0)
    hz = np.interp(times, grid[known], f0[known])
    phase = 2 * np.pi * np.cumsum(hz) / RATE_HZ
    _, _, resonances = SINGERS[singer]
    samples = np.zeros(length)
    for harmonic in range(1, 60):
        at = harmonic * hz
        gain = sum(1.0 / (1.0 + ((at - centre) / (0.08 * centre + 60.0)) ** 2) for centre in resonances)
        gain = (gain + 0.03) / harmonic * (at < 0.45 * RATE_HZ)
        samples += gain * np.sin(harmonic * phase)
    ramp = scipy.signal.fftconvolve(voiced, np.hanning(441) / np.hanning(441).sum(), "same")
    samples *= np.clip(ramp, 0.0, 1.0) * (voiced > 0)
    return 0.5 * samples / np.abs(samples).max(), (grid[::5], f0[::5])


# Re-synthesis of recordings.


def resynthesis(samples, rate_hz, semitones):
    """The recording spoken again by WORLD with its F0 moved; returns samples and the exact F0 of each 5 ms."""
    samples = np.asarray(samples, dtype=np.float64)
    f0, times = pyworld.harvest(samples, rate_hz, f0_floor=60.0, f0_ceil=1100.0)
    f0 = pyworld.stonemask(samples, f0, times, rate_hz)
    rough, _ = pyworld.dio(samples, rate_hz, f0_floor=60.0, f0_ceil=1100.0)
    rough = pyworld.stonemask(samples, rough, times, rate_hz)
    envelope = pyworld.cheaptrick(samples, f0, times, rate_hz)
    noise = pyworld.d4c(samples, f0, times, rate_hz)
    # Voiced is only what two analyses hear alike, what is not all breath, and what is not all but silent: elsewhere
    # the sound that is made would have no pitch that anybody could hear.
    agree = (rough > 0) & (f0 > 0) & (np.abs(np.log2(np.maximum(f0, 1.0) / np.maximum(rough, 1.0))) < 0.5 / 12)
    level = 10 * np.log10(envelope.mean(axis=1) + 1e-20)
    f0[~agree | (noise.min(axis=1) > 0.99) | (level < level.max() - 40.0)] = 0.0
    f0 = without_short_runs(f0, 10)
    noise[f0 == 0] = 1.0
    f0 = f0 * 2 ** (semitones / 12)
    made = pyworld.synthesize(f0, envelope, noise, rate_hz)[: len(samples)]
    return 0.5 * made / np.abs(made).max(), (times, f0)


def without_short_runs(f0, frames):
    """Voiced runs of fewer frames become unvoiced."""
    f0 = f0.copy()
    edges = np.flatnonzero(np.diff(np.concatenate([[0], (f0 > 0).astype(int), [0]])))
    for start, end in zip(edges[::2], edges[1::2]):
        if end - start < frames:
            f0[start:end] = 0.0
    return f0


# The corpus.

# Recording, semitones, and how many seconds of it.
RESYN_MADE = [
    ("singing_female.wav", 0, 6.2),
    ("singing_female.wav", -12, 6.2),
    ("vocadito_1.flac", 0, 12.0),
    ("vocadito_1.flac", 12, 12.0),
    ("speech_male.wav", 12, 5.6),
    ("vocadito_10.wav", 12, 9.1),
]
TONE_SECONDS = 8.0


def read(path):
    samples, rate_hz = soundfile.read(path, dtype="float64", always_2d=True)
    return samples.mean(axis=1), rate_hz


def with_truth(audio, suffix):
    """Recordings of a folder with truth beside them: name, samples, rate, times and F0. Truth is `NAME{suffix}.csv`."""
    for file in sorted(audio.glob(f"*{suffix}.csv")):
        name = file.name.removesuffix(f"{suffix}.csv")
        found = [audio / f"{name}{ending}" for ending in (".flac", ".wav") if (audio / f"{name}{ending}").is_file()]
        if found and not name.endswith("_pseudo"):
            rows = np.loadtxt(file, delimiter=",")
            yield name, *read(found[0]), (rows[:, 0], rows[:, 1])


def group_of(name):
    """Made sounds say so in their names; the others are recordings of people."""
    return {"resyn": "resyn", "tone": "tone"}.get(name.split("_")[0], "real")


# Pieces of a tone's name that say what was done to it.
DAMAGED_TONES = ("noise", "phone", "clip", "hum", "reverb", "mains")


def add_recordings(corpus, audio):
    for name, samples, rate_hz, truth in with_truth(audio, "_f0"):
        group = group_of(name)
        if group == "tone":
            damage = next((damage for damage in DAMAGED_TONES if damage in name), "clean")
            corpus.add(name, group, "clean" if damage == "clean" else damage, samples, rate_hz, truth)
        else:
            damages = ["noise"] if group == "real" else ["noise", "telephone", "reverb"]
            corpus.add_with_damages(name, group, samples, rate_hz, truth, damages)
    for name, samples, rate_hz, truth in with_truth(audio, "_pseudo_f0"):
        corpus.add(name, "pseudo", "clean", samples, rate_hz, truth)
    for name, semitones, seconds in RESYN_MADE:
        if not (audio / name).is_file():
            continue
        samples, rate_hz = read(audio / name)
        samples, truth = resynthesis(samples[: int(seconds * rate_hz)], rate_hz, semitones)
        stem = f"world_{pathlib.Path(name).stem}_{semitones:+d}"
        corpus.add_with_damages(stem, "resyn", samples, rate_hz, truth, ["noise", "telephone", "reverb"])


def add_hum(corpus):
    """The hum that the engine makes, where `measure-engine hum` has left it in the folder."""
    file = corpus.folder / "hum.f32"
    if file.is_file():
        truth = np.loadtxt(corpus.folder / "hum.csv", delimiter=",").T
        corpus.add("hum", "hummed", "clean", np.fromfile(file, dtype="<f4"), RATE_HZ, (truth[0], truth[1]))


def add_made(corpus):
    for seed, singer in enumerate(SINGERS):
        samples, truth = tone(singer, TONE_SECONDS, seed)
        damages = ["noise", "telephone", "clip", "mains"]
        corpus.add_with_damages(f"tone_{singer}", "tone", samples, RATE_HZ, truth, damages)
    length = 10 * RATE_HZ
    white = np.random.default_rng(3).standard_normal(length)
    brown = np.cumsum(np.random.default_rng(4).standard_normal(length))
    brown = scipy.signal.sosfilt(scipy.signal.butter(2, 20.0, "highpass", fs=RATE_HZ, output="sos"), brown)
    corpus.add("white_noise", "novoice", "clean", 0.1 * white, RATE_HZ, None)
    corpus.add("brown_noise", "novoice", "clean", 0.25 * brown / np.abs(brown).max(), RATE_HZ, None)
    corpus.add("silence", "novoice", "clean", np.zeros(length), RATE_HZ, None)
    for hz in (50, 60):
        corpus.add(f"mains_{hz}", "mains", "clean", 0.02 * mains(length, RATE_HZ, float(hz)), RATE_HZ, None)


def make(folder, audio):
    """Makes the corpus; `audio` is the folder of recordings, or None where this machine has none."""
    corpus = Corpus(folder)
    if audio is not None:
        add_recordings(corpus, pathlib.Path(audio))
    add_hum(corpus)
    add_made(corpus)
    corpus.finish()
    return corpus.sounds


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder")
    parser.add_argument("--audio", help="folder of recordings with truth")
    arguments = parser.parse_args()
    made = make(arguments.folder, arguments.audio)
    print(f"{len(made)} sounds, {sum(sound.seconds for sound in made):.0f} s, in {arguments.folder}")
