"""Reads MIDI files with mido for `cargo xtask bench midi`.

On standard input: the length of a file as four bytes, least first, and the file, again and again. For each file it
prints its notes' starts and ends and its tempos, and at last how it went and the seconds that reading alone took.
"""

import io
import struct
import sys
import time

import mido


def main():
    while head := sys.stdin.buffer.read(4):
        data = sys.stdin.buffer.read(struct.unpack("<I", head)[0])
        start = time.perf_counter()
        try:
            song = mido.MidiFile(file=io.BytesIO(data), clip=True)
        except Exception:  # whatever it is, this is how mido refuses a file
            print("refused", time.perf_counter() - start, flush=True)
            continue
        seconds = time.perf_counter() - start
        lines = []
        for number, track in enumerate(song.tracks):
            now = 0
            for message in track:
                now += message.time
                if message.type in ("note_on", "note_off"):
                    starts = int(message.type == "note_on" and message.velocity > 0)
                    lines.append(f"note {number} {now} {message.channel} {message.note} {starts}")
                elif message.type == "set_tempo":
                    lines.append(f"tempo {now} {message.tempo}")
        lines.append(f"read {song.ticks_per_beat} {seconds}")
        print("\n".join(lines), flush=True)


main()
