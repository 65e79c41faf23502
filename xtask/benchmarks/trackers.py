"""The F0 trackers that people use today, each as a function from samples to times, F0 and the CPU time it took.

F0 is negative where the tracker calls a moment unvoiced. Imports happen on first use: they take seconds.
"""

import time
from dataclasses import dataclass

import numpy as np


@dataclass
class Track:
    times: np.ndarray
    # Negative where unvoiced.
    hz: np.ndarray
    confidence: np.ndarray
    cpu_seconds: float
    wall_seconds: float

    def voiced_above(self, threshold):
        """F0 with another opinion on what is voiced."""
        return np.where(self.confidence > threshold, np.abs(self.hz), -np.abs(self.hz))


def timed(work):
    cpu, wall = time.process_time(), time.perf_counter()
    times, hz, confidence = work()
    return Track(times, hz, confidence, time.process_time() - cpu, time.perf_counter() - wall)


# Not up to torchcrepe's own limit of 2006 Hz: its decoder then prefers to rest in the highest bin for whole recordings.
LOWEST_HZ, HIGHEST_HZ = 50.0, 1800.0
# torchcrepe's own example of a threshold on the periodicity.
TORCHCREPE_THRESHOLD = 0.21


def torchcrepe(samples, rate_hz, size="tiny", threads=2):
    """CREPE by torchcrepe with its Viterbi decoder, 10 ms hop, `predict` as its page shows it."""
    import torch
    import torchcrepe as package

    torch.set_num_threads(threads)
    np.random.seed(0)  # its decoder adds a random dither
    if getattr(package.infer, "capacity", None) != size:
        package.load.model("cpu", size)

    def work():
        audio = torch.from_numpy(np.array(samples, dtype=np.float32))[None]
        hop = rate_hz // 100
        hz, periodicity = package.predict(
            audio, rate_hz, hop, LOWEST_HZ, HIGHEST_HZ, size, decoder=package.decode.viterbi,
            return_periodicity=True, batch_size=512, device="cpu",
        )
        confidence = periodicity[0].numpy()
        hz = hz[0].numpy().astype(np.float64)
        times = np.arange(len(hz)) * hop / rate_hz
        return times, np.where(confidence > TORCHCREPE_THRESHOLD, hz, -hz), confidence

    return timed(work)


def pyin(samples, rate_hz):
    """librosa's pYIN, hop of about 10 ms at 22 kHz."""
    import librosa

    def work():
        audio = librosa.resample(np.asarray(samples, dtype=np.float64), orig_sr=rate_hz, target_sr=22_050)
        hop = 220
        hz, voiced, probability = librosa.pyin(
            audio, fmin=LOWEST_HZ, fmax=HIGHEST_HZ, sr=22_050, frame_length=2048, hop_length=hop, fill_na=None
        )
        return np.arange(len(hz)) * hop / 22_050, np.where(voiced, hz, -hz), probability

    return timed(work)


def swift_f0(samples, rate_hz):
    """SwiftF0 as its package runs it, 16 ms hop."""
    import swift_f0 as package

    detector = package.SwiftF0()

    def work():
        found = detector.detect(np.asarray(samples, dtype=np.float32), rate_hz)
        hz = found.pitch_hz.astype(np.float64)
        return found.timestamps, np.where(found.confidence > 0.5, hz, -hz), found.confidence

    return timed(work)
