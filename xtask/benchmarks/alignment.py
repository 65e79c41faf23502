"""Where the vowels of known words lie in a sound, by forced alignment with pocketsphinx's own English model."""

import functools
import re

import numpy as np
import pocketsphinx

FRAME_SECONDS = 0.010
VOWELS = {"AA", "AE", "AH", "AO", "AW", "AY", "EH", "ER", "EY", "IH", "IY", "OW", "OY", "UH", "UW"}
RATE_HZ = 16_000


@functools.cache
def decoder():
    return pocketsphinx.Decoder(lm=None, beam=1e-80, wbeam=1e-60, pbeam=1e-80, loglevel="FATAL")


def phones(sound, text):
    """Name, start and end in seconds of each phone of `text` in `sound` (16 kHz), or None where the aligner gives up."""
    pcm = (sound / max(np.abs(sound).max(), 1e-6) * 0.7 * 32767).astype("<i2").tobytes()
    try:
        decoder().set_align_text(" ".join(re.findall(r"[a-z']+", text.lower())))
        decode(pcm)
        # A second pass places the phones of the words that the first has placed.
        decoder().set_alignment()
        decode(pcm)
        found = [phone for word in decoder().get_alignment() for phone in word]
    except (RuntimeError, ValueError, TypeError):
        return None
    moments = [(phone.name, phone.start, phone.start + phone.duration) for phone in found if phone.name != "SIL"]
    return [(name, start * FRAME_SECONDS, end * FRAME_SECONDS) for name, start, end in moments]


def vowels(sound, text, start_seconds, last_note):
    """Seconds at which each vowel of `text` begins in `sound` (16 kHz), or None where the aligner gives up.

    The line is looked for from `start_seconds` to a little after its last note.
    """
    end = last_note["onset_seconds"] + last_note["duration_seconds"] + 0.3
    first = max(0, int(start_seconds * RATE_HZ))
    found = phones(sound[first : int(end * RATE_HZ)], text)
    return found and [first / RATE_HZ + start for name, start, _ in found if name in VOWELS]


def decode(pcm):
    decoder().start_utt()
    decoder().process_raw(pcm, full_utt=True)
    decoder().end_utt()
