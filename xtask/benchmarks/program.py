"""The rows about the whole program: how long `descant sing` takes on a short hum, and its memory on a long one."""

import os
import pathlib
import resource
import shutil
import statistics
import subprocess
import time

import numpy as np
import soundfile

from rows import NotMeasured, Row, run, say

PROMPT = "a paper boat on its way to the sea"
HUM_SECONDS = 15.0
# The longest recording that the product takes.
LONG_SECONDS = 299.5
GOAL_SECONDS = 3.0
GOAL_MEGABYTES = 300.0
# What the programs that this house began from took for the same.
SEEDS_SECONDS = 85.0


def rows():
    return {"sing-time": sing_time, "memory": memory}


def hum(bench):
    """The hummed tune that `descant sample-hum` writes."""

    def make():
        file = bench.out / "hum.wav"
        run([bench.descant, "sample-hum", file])
        return file

    return bench.once("hum", make)


def lasting(bench, seconds):
    """The hum cut or repeated to a length."""
    samples, rate_hz = soundfile.read(hum(bench))
    wanted = int(seconds * rate_hz)
    samples = np.tile(samples, wanted // len(samples) + 1)[:wanted]
    file = bench.out / f"hum-{seconds:.0f}s.wav"
    soundfile.write(file, samples, rate_hz, subtype="PCM_16")
    return file


def sing(bench, recording, *options):
    """Seconds on the clock and of the processor, and peak memory in MB (VmHWM), of one whole `descant sing`."""
    out = bench.out / "sung"
    shutil.rmtree(out, ignore_errors=True)
    command = [bench.descant, "--json", "sing", recording, "--prompt", PROMPT, "--seed", "1", "--out", out, *options]
    started, before = time.perf_counter(), children_cpu_seconds()
    with open(bench.out / "sing.log", "w+b") as log:
        process = subprocess.Popen([str(part) for part in command], stdout=log, stderr=log)
        peak_kb = 0
        # The mark only rises, so the last look before the end is the highest but for what the last moments added.
        while process.poll() is None:
            peak_kb = max(peak_kb, high_water_kb(process.pid))
            time.sleep(0.005)
        seconds = time.perf_counter() - started
        log.seek(0)
        said = log.read().decode(errors="replace").strip()
    # 5: the song was made and the quality gate says no; the files are there all the same.
    if process.returncode not in (0, 5) or not (out / "vocals.mp3").is_file():
        raise NotMeasured(f"descant sing ended with {process.returncode}: {said[-400:]}")
    return {
        "wall_seconds": seconds,
        "cpu_seconds": children_cpu_seconds() - before,
        "peak_mb": peak_kb / 1024,
        "exit_code": process.returncode,
    }


def children_cpu_seconds():
    """Of all processes that this one has started and seen end."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def high_water_kb(pid):
    try:
        status = pathlib.Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0
    lines = [line for line in status.splitlines() if line.startswith("VmHWM:")]
    return int(lines[0].split()[1]) if lines else 0


def sing_time(bench):
    cores = len(os.sched_getaffinity(0))
    row = Row("sing-time", f"`descant sing` on a 15 s hum, release, {cores} cores, start to files", "≤ 3 s")
    recording = lasting(bench, HUM_SECONDS)
    say("descant sing on a hum of 15 s")
    runs = [sing(bench, recording) for _ in range(3 if bench.quick else 7)]
    median = statistics.median(once["wall_seconds"] for once in runs)
    processor = statistics.median(once["cpu_seconds"] for once in runs)
    row.ours = f"{median:.2f} s (median of {len(runs)}; {processor:.2f} s of processor time)"
    row.baseline = f"{SEEDS_SECONDS:.0f} s (the seeds; quoted, not run)"
    row.met = median <= GOAL_SECONDS
    row.details = {"runs": runs}
    return row


def memory(bench):
    what = "peak memory (VmHWM) of `descant sing` on a 5-minute recording: the voice alone; with `--backing chords`"
    row = Row("memory", what, "≤ 300 MB")
    say("descant sing on five minutes, without a backing and with one")
    recording = lasting(bench, LONG_SECONDS)
    alone = sing(bench, recording)
    backed = sing(bench, recording, "--backing", "chords")
    # A backing that was not made would need no memory.
    if not (bench.out / "sung" / "song.mp3").is_file():
        raise NotMeasured("descant sing --backing chords left no song.mp3")
    row.ours = "; ".join(f"{once['peak_mb']:.0f} MB (in {once['wall_seconds']:.1f} s)" for once in (alone, backed))
    row.met = max(alone["peak_mb"], backed["peak_mb"]) <= GOAL_MEGABYTES
    row.details = {"alone": alone, "backed": backed}
    return row
