"""The row about words: how many a recogniser understands when a voice sings, of those it understands when it speaks.

The baseline is what one would do today without us: espeak-ng says each line, and WORLD (pyworld) puts it on the same
notes: same times, same pitch.

Beside the figure stands that of the same singing with every vowel cut to the length that it has in speech: what is lost
between the two is lost to how long vowels are held, and not to the voice.
"""

import os
import subprocess
from concurrent.futures import ProcessPoolExecutor

import numpy as np
import pyworld
import soundfile

import alignment
import words
from rows import NotMeasured, Row, run, say

GOAL_PERCENT = 90.0
ESPEAK = "espeak-ng"
# One man, one woman, and the voice that needs nothing installed.
VOICES = ("rms", "slt", "formant")
JUDGED = ("rms", "slt")
RATE_HZ = words.RATE
# A stressed vowel of unhurried speech.
SPOKEN_VOWEL_SECONDS = 0.15
# Of a cut vowel this share stays before the cut: both ends keep their way from and to their neighbours.
KEPT_BEFORE_CUT = 0.35
JOIN_SECONDS = 0.01
FRAME_SECONDS = 0.005
# Ours, with the neutral one.
VOWELS = alignment.VOWELS | {"AX"}


def rows():
    return {"words": sung_words}


def sung_words(bench):
    what = "words recognised when sung, of those recognised when the same voice speaks (rms; slt)"
    row = Row("words", what, f"≥ {GOAL_PERCENT:.0f} %")
    folder = bench.out / "words"
    say("singing and saying lines with " + ", ".join(VOICES))
    voices = VOICES[:1] if bench.quick else VOICES
    recordings = sorted(bench.audio.glob("*_f0.csv")) if bench.audio else []
    # Recordings of people only; the program reads FLAC.
    named = [file.with_name(file.name.replace("_f0.csv", ".flac")) for file in recordings]
    named = [file for file in named if file.is_file() and not file.name.startswith(("resyn", "tone"))]
    run([bench.programs / "examples" / "sung_words", folder, ",".join(voices), *named])
    songs = bench.read_json(folder / "manifest.json")["songs"]
    # The baseline sings what the first voice sings.
    tasks = [(song, folder, False) for song in songs]
    tasks += [(song, folder, True) for song in songs if song["voice"] == voices[0]]
    counts = {}
    with ProcessPoolExecutor(len(os.sched_getaffinity(0))) as listeners:
        for voice, heard in listeners.map(listen, *zip(*tasks)):
            counts.setdefault(voice, Count()).add(heard)
    judged = [voice for voice in JUDGED if voice in counts]
    row.ours = "; ".join(str(counts[voice]) for voice in judged)
    if "formant" in counts:
        row.ours += f" (formant voice {counts['formant']})"
    row.baseline = f"espeak-ng with WORLD {counts[ESPEAK]}"
    row.met = min(counts[voice].share for voice in judged) >= GOAL_PERCENT
    row.details = {voice: count.figures() for voice, count in counts.items()}
    return row


def listen(song, folder, is_baseline):
    """The voice, and what was understood of its song; or of the same song as the baseline sings it."""
    say(f"listening to {ESPEAK if is_baseline else song['voice']} {song['song']}")
    count, listener = Count(), Listener(song)
    listener.count(count, espeak_song(song, folder) if is_baseline else song, folder)
    return ESPEAK if is_baseline else song["voice"], count


class Count:
    """Words of some lines: how many there are, and how many were understood."""

    def __init__(self):
        self.lines = self.words = self.sung = self.cut = self.spoken = 0

    def add(self, other):
        for name, value in vars(other).items():
            setattr(self, name, getattr(self, name) + value)

    @property
    def share(self):
        return 100 * self.sung / max(self.spoken, 1)

    @property
    def share_cut(self):
        return 100 * self.cut / max(self.spoken, 1)

    def __str__(self):
        sung, spoken = self.sung / self.words, self.spoken / self.words
        return f"{self.share:.0f} % (sung {sung:.2f}, spoken {spoken:.2f}; vowels cut to 0.15 s: {self.share_cut:.0f} %)"

    def figures(self):
        return vars(self) | {"share_percent": self.share, "share_percent_with_vowels_cut": self.share_cut}


class Listener:
    """A recogniser that expects any of the words of a song and 80 others."""

    def __init__(self, song):
        lyrics = {word for line in song["lines"] for word in split(line)}
        others = [word for word in words.OTHERS if word not in lyrics][:80]
        self.decoder = words.decoder(lyrics | set(others))
        self.known = {word for word in lyrics if self.decoder.lookup_word(word)}

    def count(self, count, song, folder):
        samples = words.read(folder / song["wav"])
        for line in song["lines"]:
            text = [word for word in split(line) if word in self.known]
            first, last = max(line["start"] - 0.1, 0.0), line["end"] + 0.15
            sung = samples[int(first * RATE_HZ) : int(last * RATE_HZ)]
            sounds = [sound for sound in song["sounds"] if first <= sound[1] and sound[2] <= last]
            vowels = [(start - first, end - first) for name, start, end in sounds if name in VOWELS]
            count.lines += 1
            count.words += len(text)
            count.sung += self.understood(text, sung)
            count.cut += self.understood(text, with_spoken_vowels(sung, vowels))
            count.spoken += self.understood(text, words.read(folder / line["spoken"]))

    def understood(self, text, samples):
        return words.shared(text, words.heard(self.decoder, samples))


def with_spoken_vowels(samples, vowels):
    """The samples with the middle of every long vowel (start, end in seconds) taken out."""
    fade = int(JOIN_SECONDS * RATE_HZ)
    up = np.linspace(0.0, 1.0, fade)
    kept, pieces, at = samples[:0], [], 0
    for start, end in vowels:
        if end - start > SPOKEN_VOWEL_SECONDS + JOIN_SECONDS:
            cut = start + KEPT_BEFORE_CUT * SPOKEN_VOWEL_SECONDS
            pieces.append(samples[at : int(cut * RATE_HZ) + fade])
            at = int((cut + end - start - SPOKEN_VOWEL_SECONDS) * RATE_HZ)
    for piece in [*pieces, samples[at:]]:
        if len(kept) >= fade and len(piece) >= fade:
            kept[-fade:] = kept[-fade:] * (1 - up) + piece[:fade] * up
            piece = piece[fade:]
        kept = np.concatenate([kept, piece])
    return kept


def split(line):
    return line["text"].lower().replace("\u2019", "'").replace(",", "").split()


# The baseline.


def espeak_song(song, folder):
    """The song with every line said by espeak-ng and laid on the sounds of `song` by WORLD."""
    tune, rate_hz = soundfile.read(folder / song["wav"])
    f0, times = pyworld.harvest(tune, rate_hz, f0_floor=70.0, f0_ceil=900.0, frame_period=1000 * FRAME_SECONDS)
    known = np.flatnonzero(f0 > 0)
    pitch = np.exp(np.interp(np.arange(len(f0)), known, np.log(f0[known])))
    sung = np.zeros(int(len(tune) / rate_hz * RATE_HZ) + RATE_HZ)
    lines = []
    for index, line in enumerate(song["lines"]):
        spoken = f"espeak-{song['song']}-{index}.wav"
        said = espeak(line["text"], folder / spoken)
        sounds = [s for s in song["sounds"] if line["start"] - 1e-3 <= s[1] and s[2] <= line["end"] + 1e-3]
        voice = on_notes(said, line["text"], sounds, pitch)
        start = int(sounds[0][1] * RATE_HZ)
        sung[start : start + len(voice)] += voice[: len(sung) - start]
        lines.append(line | {"spoken": spoken})
    wav = f"espeak-{song['song']}.wav"
    soundfile.write(folder / wav, 0.7 * sung / np.abs(sung).max(), RATE_HZ, subtype="PCM_16")
    return {"voice": ESPEAK, "song": song["song"], "wav": wav, "lines": lines, "sounds": song["sounds"]}


def espeak(text, file):
    """A line said by espeak-ng's American voice; samples at RATE_HZ."""
    try:
        subprocess.run(["espeak-ng", "-v", "en-us", "-s", "140", "-w", file, text], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError) as why:
        raise NotMeasured(f"espeak-ng cannot be run: {why}") from why
    return words.read(file)


def on_notes(said, text, sounds, pitch):
    """The spoken line with its sounds at the times of `sounds` (phone, start, end) and F0 from `pitch`."""
    said = said.astype(np.float64)
    f0, times = pyworld.harvest(said, RATE_HZ, frame_period=1000 * FRAME_SECONDS)
    envelope = pyworld.cheaptrick(said, f0, times, RATE_HZ)
    noise = pyworld.d4c(said, f0, times, RATE_HZ)
    meant, heard = anchors(said, text, sounds)
    at = np.arange(sounds[0][1], sounds[-1][2], FRAME_SECONDS)
    frames = np.clip(np.round(np.interp(at, meant, heard) / FRAME_SECONDS).astype(int), 0, len(f0) - 1)
    hz = pitch[np.clip(np.round(at / FRAME_SECONDS).astype(int), 0, len(pitch) - 1)]
    hz = np.where(f0[frames] > 0, hz, 0.0)
    spectra = np.ascontiguousarray(envelope[frames])
    return pyworld.synthesize(hz, spectra, np.ascontiguousarray(noise[frames]), RATE_HZ, 1000 * FRAME_SECONDS)


def anchors(said, text, sounds):
    """Moments of the song and the moments of the spoken line that belong there, both rising.

    By sounds where the aligner hears as many as are sung, else by vowels where those are as many, else only the ends.
    """
    phones = alignment.phones(said, text)
    ends = (sounds[0][1], sounds[-1][2])
    if phones:
        of_song, of_line = sounds, phones
        if len(of_line) != len(of_song):
            of_song = [sound for sound in sounds if sound[0] in VOWELS]
            of_line = [phone for phone in phones if phone[0] in alignment.VOWELS]
        if len(of_line) == len(of_song):
            meant = [moment for _, start, end in of_song for moment in (start, end)]
            heard = [moment for _, start, end in of_line for moment in (start, end)]
            return [ends[0] - 1e-3, *meant, ends[1] + 1e-3], [phones[0][1], *heard, phones[-1][2]]
    return ends, (0.0, len(said) / RATE_HZ)
