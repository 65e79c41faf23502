"""Makes singing, speech and sounds with an exactly known F0, to train and to judge the tracker.

Speech of the flite voices is taken apart and put together again by WORLD with F0 contours invented here, so the truth is
exact. Tones are additive. Nothing recorded is used. The same seed gives the same material.

    python voices.py FOLDER            needs `flite` on the PATH and the packages of requirements.txt

Writes FOLDER/{train,check}/NAME.f32 (mono, 16 kHz) and NAME.f0 (Hz each 10 ms; 0 unvoiced, negative not known), and
FOLDER/{train,check}.list with a line `group name audio rate truth` for each.
"""

import pathlib
import subprocess
import sys
import tempfile
import wave

import numpy as np
import pyworld
from scipy.signal import butter, fftconvolve, sosfilt

RATE = 16_000
FRAME_SECONDS = 0.005
SEED = 20_261_121
TRAIN_VOICES = ("rms", "slt", "kal16", "awb")
CHECK_VOICES = ("awb", "rms", "slt", "kal16")
SENTENCES = [
    "The birch canoe slid on the smooth planks.",
    "It is easy to tell the depth of a well.",
    "Rice is often served in round bowls.",
    "The juice of lemons makes fine punch.",
    "Four hours of steady work faced us.",
    "A large size in stockings is hard to sell.",
    "I will be home again when the moon goes down over the hill.",
    "Where did you go yesterday, and why did you never call me?",
    "We are rowing slowly along the river in the early morning.",
    "My mother told me many a story about the yellow moon.",
    "Hello there! How lovely to see you all in the garden.",
    "Nobody knows the trouble I have seen.",
    "You and I may roam for hours, allowing the evening to fade away.",
    "Zebras amaze visitors, whose eyes follow them everywhere.",
    "She sells dark suits and washes them in greasy water all year.",
    "Bring the heavy jug of vinegar and put it under the bridge.",
    "Please unlock the door, leave the lantern, and be quick about it.",
    "Measure the vision of a thousand thieves with pleasure and joy.",
    "Perhaps the captain took a cup of coffee at the back of the ship.",
    "Fish swim fast, but she finds that thick fog stops the ferry.",
]
CHECK_SENTENCES = [
    "Oh, the wind and the rain, they are falling on me, falling on you.",
    "Aluminum ore was usually mined by men who loved the open air.",
    "Six spotted cats sat on a stack of boxes in the kitchen.",
    "Lay your lonely head upon my shoulder, winter will be over soon.",
]


def speak(voice, text):
    """Samples of a flite voice."""
    with tempfile.NamedTemporaryFile(suffix=".wav") as file:
        subprocess.run(["flite", "-voice", voice, "-t", text, "-o", file.name], check=True)
        with wave.open(file.name) as sound:
            assert sound.getframerate() == RATE and sound.getnchannels() == 1, voice
            samples = np.frombuffer(sound.readframes(sound.getnframes()), "<i2")
    return samples / 32_768.0


class Voice:
    """Speech taken apart: F0, envelope and aperiodicity each 5 ms."""

    def __init__(self, samples, loose):
        if loose:
            f0, times = pyworld.harvest(samples, RATE, f0_floor=50.0, f0_ceil=500.0)
        else:
            f0, times = pyworld.dio(samples, RATE, f0_floor=50.0, f0_ceil=500.0)
            f0 = pyworld.stonemask(samples, f0, times, RATE)
        self.f0 = f0
        self.envelope = pyworld.cheaptrick(samples, f0, times, RATE)
        self.aperiodicity = pyworld.d4c(samples, f0, times, RATE)
        # Where WORLD found only noise it will make only noise, whatever the contour says.
        self.audible = self.aperiodicity[:, :100].min(axis=1) < 0.9

    def stretched(self, factor):
        """(f0, envelope, aperiodicity, audible) at `factor` times the length."""
        count = int(len(self.f0) * factor)
        at = np.minimum((np.arange(count) / factor).round().astype(int), len(self.f0) - 1)
        return self.f0[at].copy(), self.envelope[at].copy(), self.aperiodicity[at].copy(), self.audible[at]


def smooth(values, frames):
    kernel = np.hanning(frames + 2)[1:-1]
    return np.convolve(np.pad(values, (frames, frames), "edge"), kernel / kernel.sum(), "same")[frames:-frames]


def sung_contour(rng, count, low_midi, high_midi):
    """Notes with portamento, vibrato and drift, in Hz per frame."""
    midi, at = np.zeros(count), 0
    note = rng.uniform(low_midi, high_midi)
    vibrato = np.zeros(count)
    while at < count:
        length = int(rng.uniform(0.12, 1.0) / FRAME_SECONDS)
        end = min(at + length, count)
        midi[at:end] = note
        if rng.random() < 0.6:
            time = np.arange(end - at) * FRAME_SECONDS
            swell = np.clip((time - rng.uniform(0, 0.3)) / 0.2, 0, 1)
            depth = rng.uniform(0.1, 1.2)
            vibrato[at:end] = depth * swell * np.sin(2 * np.pi * rng.uniform(4.5, 7.0) * time + rng.uniform(0, 6))
        note = np.clip(note + rng.choice([-12, -7, -5, -4, -3, -2, -1, 0, 1, 2, 3, 4, 5, 7, 12]), low_midi, high_midi)
        at = end
    midi = smooth(midi, int(rng.uniform(6, 24))) + vibrato
    midi += smooth(rng.normal(size=count), 40) * rng.uniform(0, 0.5)
    return 440 * 2 ** ((midi - 69) / 12)


def livelier(rng, f0):
    """Fast moves as real voices make them: scoops into and falls out of each stretch, wavering in between."""
    semitones = smooth(rng.normal(size=len(f0)), int(rng.uniform(6, 24))) * rng.uniform(0, 3)
    voiced = np.concatenate([[False], f0 > 0, [False]])
    starts, ends = np.flatnonzero(~voiced[:-1] & voiced[1:]), np.flatnonzero(voiced[:-1] & ~voiced[1:])
    for start, end in zip(starts, ends):
        away = np.arange(end - start)
        semitones[start:end] += rng.normal() * 2 * np.exp(-away / rng.uniform(3, 15))
        semitones[start:end] += rng.normal() * 2 * np.exp(-away[::-1] / rng.uniform(3, 15))
    return f0 * 2 ** (semitones / 12)


def re_sing(rng, voice, lively=False):
    """A re-synthesis with a contour of its own. Gives samples and truth, negative where the pitch cannot be heard."""
    kind = rng.choice(["speech", "speech", "sung", "sung", "glide"])
    factor = rng.uniform(0.9, 1.2) if kind == "speech" else rng.uniform(1.2, 3.0)
    f0, envelope, aperiodicity, audible = voice.stretched(factor)
    voiced = f0 > 0
    if not voiced.any():
        return None
    mean = np.exp(np.mean(np.log(f0[voiced])))
    if kind == "speech":
        shift = rng.choice([-12, -7, -4, 0, 0, 0, 4, 7, 12]) + rng.uniform(-1, 1)
        f0 = np.where(voiced, mean * (np.maximum(f0, 1) / mean) ** rng.uniform(0.6, 1.8) * 2 ** (shift / 12), 0)
    elif kind == "sung":
        low = rng.uniform(36, 74)
        f0 = np.where(voiced, sung_contour(rng, len(f0), low, low + rng.uniform(3, 14)), 0)
    else:
        walk = smooth(np.cumsum(rng.normal(size=len(f0))) * rng.uniform(0.05, 0.4), 20)
        f0 = np.where(voiced, mean * 2 ** ((walk - walk.mean() + rng.uniform(-6, 14)) / 12), 0)
    if rng.random() < 0.5:  # jitter
        f0 *= 2 ** (rng.normal(size=len(f0)) * rng.uniform(0, 0.25) / 12)
    if lively and rng.random() < 0.7:
        f0 = livelier(rng, f0)
    f0 = np.where(f0 > 0, np.clip(f0, 55, 1_440), 0)
    if rng.random() < 0.5:  # another throat: formants moved
        warp = rng.uniform(0.82, 1.25)
        bins = np.minimum(np.arange(envelope.shape[1]) * warp, envelope.shape[1] - 1).astype(int)
        envelope, aperiodicity = envelope[:, bins], aperiodicity[:, bins]
    if rng.random() < 0.35:  # breath
        aperiodicity = np.clip(aperiodicity ** rng.uniform(0.4, 1.0), 0, 1)
    samples = pyworld.synthesize(
        np.ascontiguousarray(f0), np.ascontiguousarray(envelope), np.ascontiguousarray(aperiodicity), RATE, 5.0
    )
    if rng.random() < 0.15:  # a rough voice: every second period is weaker
        phase = np.cumsum(np.repeat(f0, int(RATE * FRAME_SECONDS))[: len(samples)]) / RATE
        samples = samples[: len(phase)] * (1 + rng.uniform(0.05, 0.3) * np.cos(np.pi * phase))
    return samples, np.where(audible, f0, -f0)[::2]


def made_tone(rng):
    """Harmonics under two or three formants, on notes, glides or vibrato, with pauses."""
    count = int(rng.uniform(2, 5) / FRAME_SECONDS)
    low = rng.uniform(36, 82)
    f0 = np.clip(sung_contour(rng, count, low, min(low + rng.uniform(0.5, 24), 90)), 60, 1_420)
    at = 0
    while at < count:
        length = int(rng.uniform(0.3, 1.5) / FRAME_SECONDS)
        pause = int(rng.uniform(0.05, 0.3) / FRAME_SECONDS)
        f0[at + length : at + length + pause] = 0
        at += length + pause
    step = int(RATE * FRAME_SECONDS)
    times = np.arange(count * step) / step
    hz = np.interp(times, np.arange(count), np.where(f0 > 0, f0, 0))
    on = np.interp(times, np.arange(count), f0 > 0) > 0.5
    held = f0.copy()
    for i in range(1, count):
        held[i] = held[i] if held[i] > 0 else held[i - 1]
    hz = np.interp(times, np.arange(count), held)
    phase = 2 * np.pi * np.cumsum(hz) / RATE
    formants = rng.uniform([250, 800, 2_200], [900, 2_200, 3_500])
    widths = rng.uniform(60, 300, 3)
    tilt = rng.uniform(0.3, 2.0)
    samples = np.zeros(len(hz))
    alternate = rng.uniform(0.1, 1.0) if rng.random() < 0.3 else 1.0
    first = rng.uniform(0, 1) if rng.random() < 0.3 else 1.0
    for number in range(1, 1 + int(7_500 / hz.min())):
        here = number * hz
        gain = sum(1 / (1 + ((here - f) / w) ** 2) for f, w in zip(formants, widths)) + 0.05
        gain = gain * number**-tilt * np.clip((7_500 - here) / 500, 0, 1)
        gain *= (alternate if number % 2 else 1.0) * (first if number == 1 else 1.0)
        samples += gain * np.sin(number * phase + rng.uniform(0, 6))
    envelope = smooth(on.astype(float), int(RATE * rng.uniform(0.003, 0.02)))
    return samples * envelope, f0[::2]


def coloured_noise(rng, count, kind):
    white = rng.normal(size=count)
    if kind == "white":
        return white
    spectrum = np.fft.rfft(white)
    hz = np.maximum(np.fft.rfftfreq(count, 1 / RATE), 20)
    noise = np.fft.irfft(spectrum * hz ** {"pink": -0.5, "brown": -1.0}[kind], count)
    return noise / noise.std()


def no_voice(rng):
    """Sounds without a pitch."""
    count = int(rng.uniform(2, 4) * RATE)
    kind = rng.choice(["white", "pink", "brown", "clicks", "hum", "wind", "band"])
    time = np.arange(count) / RATE
    if kind == "clicks":
        samples = (rng.random(count) < rng.uniform(1, 40) / RATE) * rng.normal(size=count)
        samples = fftconvolve(samples, np.exp(-np.arange(400) / rng.uniform(5, 100)))[:count]
        samples += 0.003 * rng.normal(size=count)
    elif kind == "hum":
        samples = hum(rng, time) + rng.uniform(0.01, 0.5) * coloured_noise(rng, count, "pink")
    elif kind in ("wind", "band"):
        low = rng.uniform(80, 3_000)
        band = butter(1, [low, min(low * rng.uniform(1.5, 4), 7_900)], "bandpass", fs=RATE, output="sos")
        samples = sosfilt(band, rng.normal(size=count)) * np.exp(smooth(rng.normal(size=count), 2_000) * 20)
    else:
        samples = coloured_noise(rng, count, kind)
    return samples, np.zeros(int(count / RATE / 0.01))


def hum(rng, time):
    mains = rng.choice([50.0, 60.0])
    return sum(rng.uniform(0, 1) / k * np.sin(2 * np.pi * k * mains * time + rng.uniform(0, 6)) for k in range(1, 6))


def telephone(rng, samples):
    band = [rng.uniform(200, 400), rng.uniform(2_800, 3_600)]
    return sosfilt(butter(int(rng.integers(2, 5)), band, "bandpass", fs=RATE, output="sos"), samples)


def room(rng, samples, seconds, faintest_db=-10):
    time = np.arange(int(seconds * RATE)) / RATE
    response = rng.normal(size=len(time)) * 10 ** (-3 * time / seconds)
    response[: int(rng.uniform(0.002, 0.02) * RATE)] = 0
    response *= 10 ** (rng.uniform(faintest_db, 0) / 20) / np.sqrt(np.sum(response**2))
    response[0] = 1
    return fftconvolve(samples, response)[: len(samples)]


def loudness(samples):
    """RMS of the louder parts."""
    blocks = samples[: len(samples) // 400 * 400].reshape(-1, 400)
    power = np.sort(np.mean(blocks**2, axis=1))[len(blocks) // 2 :]
    return np.sqrt(power.mean() + 1e-20)


def with_noise(rng, samples, snr_db, kind):
    noise = coloured_noise(rng, len(samples), kind)
    return samples + noise * loudness(samples) * 10 ** (-snr_db / 20)


def breaths(rng, samples, truth):
    """Noise of breath where nothing is sung."""
    band = butter(1, [rng.uniform(200, 1_500), rng.uniform(2_000, 7_500)], "bandpass", fs=RATE, output="sos")
    noise = sosfilt(band, rng.normal(size=len(samples)))
    silent = np.interp(np.arange(len(samples)) / RATE, np.arange(len(truth)) * 0.01, truth == 0)
    swell = np.clip(smooth(rng.normal(size=len(truth)), 25) * 4, 0, 1)
    swell = np.interp(np.arange(len(samples)) / RATE, np.arange(len(truth)) * 0.01, swell)
    return samples + noise / noise.std() * loudness(samples) * 10 ** (-rng.uniform(10, 35) / 20) * silent * swell


def spoiled(rng, samples, truth):
    """What singers, microphones, rooms and lines do. Gives samples and what of the truth still holds."""
    truth = truth.astype(np.float32).copy()
    if rng.random() < 0.5:  # louder and softer
        curve = smooth(rng.normal(size=len(truth) // 20 + 2), 3) * rng.uniform(2, 10)
        samples = samples * 10 ** (np.interp(np.arange(len(samples)) / RATE, np.arange(len(curve)) * 0.2, curve) / 20)
    if rng.random() < 0.35:
        samples = breaths(rng, samples, truth)
    if rng.random() < 0.5:
        # A reverberant tail has a pitch but nobody sings it. Just after the end, opinions differ.
        samples = room(rng, samples, rng.uniform(0.1, 0.8), faintest_db=-30)
        fresh = np.zeros(len(truth), bool)
        for back in range(1, 4):
            fresh[back:] |= truth[:-back] != 0
        truth[(truth == 0) & fresh] = -1
    if rng.random() < 0.25:
        samples = telephone(rng, samples)
    elif rng.random() < 0.25:
        tilt = butter(1, rng.uniform(100, 2_500), rng.choice(["lowpass", "highpass"]), fs=RATE, output="sos")
        samples = 0.1 * samples + sosfilt(tilt, samples)
    if rng.random() < 0.15:
        top = np.abs(samples).max() * rng.uniform(0.1, 0.6)
        samples = np.clip(samples, -top, top)
    if rng.random() < 0.2:
        mains = hum(rng, np.arange(len(samples)) / RATE)
        samples = samples + mains * loudness(samples) * 10 ** (-rng.uniform(5, 35) / 20)
    if rng.random() < 0.5:
        samples = with_noise(rng, samples, rng.uniform(-2, 30), rng.choice(["white", "white", "pink", "brown"]))
    floor = rng.normal(size=len(samples)) * loudness(samples) * 10 ** (-rng.uniform(40, 90) / 20)
    return samples + floor, truth


class Store:
    def __init__(self, folder, name):
        self.folder, self.lines, self.name = folder, [], name
        (folder / name).mkdir(parents=True, exist_ok=True)

    def put(self, group, samples, truth, peak=0.5):
        stem = f"{group}_{len(self.lines):04d}"
        samples = samples / (np.abs(samples).max() + 1e-12) * peak
        paths = [self.folder / self.name / f"{stem}{ending}" for ending in (".f32", ".f0")]
        samples.astype("<f4").tofile(paths[0])
        truth.astype("<f4").tofile(paths[1])
        self.lines.append(f"{group} {stem} {paths[0]} {RATE} {paths[1]}")

    def close(self):
        (self.folder / f"{self.name}.list").write_text("\n".join(self.lines) + "\n")


def make_training(folder, per_sentence, tones, others):
    rng = np.random.default_rng(SEED)
    store = Store(folder, "train")
    for voice in TRAIN_VOICES:
        for index, text in enumerate(SENTENCES):
            taken = Voice(speak(voice, text), loose=(index + len(voice)) % 3 != 0)
            for _ in range(per_sentence):
                made = re_sing(rng, taken, lively=True)
                if made:
                    samples, truth = spoiled(rng, *made)
                    store.put(voice, samples, truth, 10 ** rng.uniform(-2, 0))
    for _ in range(tones):
        samples, truth = spoiled(rng, *made_tone(rng))
        store.put("tone", samples, truth, 10 ** rng.uniform(-2, 0))
    for _ in range(others):
        samples, truth = no_voice(rng)
        store.put("none", samples, truth, 10 ** rng.uniform(-3, 0))
    store.close()


def make_check(folder):
    """Each item clean and in each condition, so that groups compare."""
    rng = np.random.default_rng(SEED + 1)
    store = Store(folder, "check")
    made = []
    for number, voice in enumerate(CHECK_VOICES):
        for index, text in enumerate(CHECK_SENTENCES):
            sung = re_sing(rng, Voice(speak(voice, text), loose=(index + number) % 2 == 0))
            made.append(("voice", *sung))
    made += [("tone", *made_tone(rng)) for _ in range(12)]
    for kind, samples, truth in made:
        truth = np.abs(truth)
        store.put(f"{kind}_clean", samples, truth)
        for snr in (10, 3):
            store.put(f"{kind}_noise{snr}", with_noise(rng, samples, snr, "white"), truth)
        store.put(f"{kind}_phone", telephone(rng, samples), truth)
        store.put(f"{kind}_room", room(rng, samples, 0.6), truth)
        mains = hum(rng, np.arange(len(samples)) / RATE) * loudness(samples) * 0.1
        store.put(f"{kind}_hum", samples + mains, truth)
        top = np.abs(samples).max() * 0.2
        store.put(f"{kind}_clip", np.clip(samples, -top, top), truth)
    for _ in range(24):
        store.put("none", *no_voice(rng))
    store.close()


if __name__ == "__main__":
    target = pathlib.Path(sys.argv[1])
    make_check(target)
    make_training(target, per_sentence=8, tones=300, others=80)
