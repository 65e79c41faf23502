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


def vowels(sound, text, start_seconds, last_note):
    """Seconds at which each vowel of `text` begins in `sound` (16 kHz), or None where the aligner gives up.

    The line is looked for from `start_seconds` to a little after its last note.
    """
    end = last_note["onset_seconds"] + last_note["duration_seconds"] + 0.3
    first = max(0, int(start_seconds * RATE_HZ))
    piece = sound[first : int(end * RATE_HZ)]
    pcm = (piece / max(np.abs(piece).max(), 1e-6) * 0.7 * 32767).astype("<i2").tobytes()
    words = " ".join(re.findall(r"[a-z']+", text.lower()))
    try:
        decoder().set_align_text(words)
        decode(pcm)
        # A second pass places the phones of the words that the first has placed.
        decoder().set_alignment()
        decode(pcm)
        phones = [phone for word in decoder().get_alignment() for phone in word]
    except (RuntimeError, ValueError, TypeError):
        return None
    return [first / RATE_HZ + phone.start * FRAME_SECONDS for phone in phones if phone.name in VOWELS]


def decode(pcm):
    decoder().start_utt()
    decoder().process_raw(pcm, full_utt=True)
    decoder().end_utt()
