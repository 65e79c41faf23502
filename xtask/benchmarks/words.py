"""An ear for words: pocketsphinx with a grammar that allows every word of a text and 80 words besides, in any order and
number.

A word counts when it stands in the longest common subsequence of what was sung and what was heard.
"""

import wave

import numpy as np
from pocketsphinx import Config, Decoder
from scipy.signal import resample_poly

RATE = 16_000
# Everyday words that the lyrics have no reason to use.
OTHERS = """
    table yellow seven window paper market doctor simple number picture button letter monday office teacher basket camera
    dinner engine finger guitar hammer jacket kitchen ladder needle pencil rabbit saddle ticket uncle wagon zebra apple
    bottle candle dragon elbow insect jungle kettle lemon magnet napkin olive parrot quarter robin temple velvet either
    double famous handle knock large month copper blanket cabbage chicken corner cotton eleven factory husband lawyer
    machine minute nephew oxygen pepper plastic rocket sugar towel tunnel vinegar wallet husky
""".split()


def read(path):
    """Mono samples at 16 kHz, within ±1."""
    with wave.open(str(path)) as file:
        rate = file.getframerate()
        samples = np.frombuffer(file.readframes(file.getnframes()), "<i2") / 32768.0
    if rate != RATE:
        divisor = np.gcd(rate, RATE)
        samples = resample_poly(samples, RATE // divisor, rate // divisor)
    return samples


def decoder(vocabulary):
    config = Config(loglevel="FATAL")
    config["lm"] = None
    made = Decoder(config)
    words = sorted(word for word in vocabulary if made.lookup_word(word))
    made.add_jsgf_string("words", f"#JSGF V1.0; grammar words; public <line> = ( {' | '.join(words)} )*;")
    made.activate_search("words")
    return made


def heard(made, samples):
    peak = np.max(np.abs(samples), initial=1e-9)
    padded = np.concatenate([np.zeros(RATE // 4), samples * 0.6 / peak, np.zeros(RATE // 4)])
    made.start_utt()
    made.process_raw((padded * 32767).astype("<i2").tobytes(), full_utt=True)
    made.end_utt()
    best = made.hyp()
    return best.hypstr.split() if best else []


def shared(a, b):
    """Length of the longest common subsequence."""
    row = [0] * (len(b) + 1)
    for x in a:
        diagonal = 0
        for j, y in enumerate(b, 1):
            diagonal, row[j] = row[j], diagonal + 1 if x == y else max(row[j], row[j - 1])
    return row[-1]
