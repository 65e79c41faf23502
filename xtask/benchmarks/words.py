"""How many words a recogniser understands when a voice sings, of those it understands when the voice speaks.

    python words.py FOLDER            needs: pocketsphinx 5.1.1, numpy, scipy

FOLDER holds `manifest.json` and sound files as `cargo run -p speech --example sung_words` writes them. Each line is
decoded by itself with a grammar that allows every word of all lyrics and 80 words besides, in any order and number. A
word counts when it stands in the longest common subsequence of what was sung and what was heard. Prints JSON.
"""

import json
import sys
import wave
from collections import defaultdict
from pathlib import Path

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


def main(folder):
    songs = json.loads((folder / "manifest.json").read_text())["songs"]
    words = lambda line: line["text"].lower().replace("\u2019", "'").replace(",", "").split()
    lyrics = {word for song in songs for line in song["lines"] for word in words(line)}
    others = [word for word in OTHERS if word not in lyrics][:80]
    made = decoder(lyrics | set(others))
    known = {word for word in lyrics if made.lookup_word(word)}
    counts = defaultdict(lambda: [0, 0, 0, 0])
    by_song = {}
    for song in songs:
        samples = read(folder / song["wav"])
        mine = [0, 0, 0, 0]
        for line in song["lines"]:
            text = [word for word in words(line) if word in known]
            start, end = int((line["start"] - 0.1) * RATE), int((line["end"] + 0.15) * RATE)
            sung = heard(made, samples[max(start, 0) : end])
            spoken = heard(made, read(folder / line["spoken"]))
            if "-v" in sys.argv:
                print(song["voice"], song["song"], "|", " ".join(text), "| sung:", " ".join(sung), "| spoken:", " ".join(spoken), file=sys.stderr)
            for place, count in enumerate((1, len(text), shared(text, sung), shared(text, spoken))):
                mine[place] += count
                counts[song["voice"]][place] += count
        by_song[f"{song['voice']} {song['song']}"] = [round(mine[2] / mine[1], 3), round(mine[3] / mine[1], 3)]
    report = {
        voice: {
            "lines": lines,
            "words": total,
            "sung_recall": round(sung / total, 3),
            "spoken_recall": round(spoken / total, 3),
            "share_of_spoken": round(sung / max(spoken, 1), 3),
        }
        for voice, (lines, total, sung, spoken) in counts.items()
    }
    print(json.dumps({"voices": report, "songs_sung_and_spoken": by_song}, indent=2))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
