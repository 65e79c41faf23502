"""Figures of a pitch track against truth: the measures of mir_eval.melody (50 cents, 10 ms grid) and the median error."""

import warnings

import mir_eval
import numpy as np

GRID_SECONDS = 0.010


def pitch(times, truth_hz, found_times, found_hz):
    """Percentages `rpa`, `rca`, `vr`, `fa`, `oa` and `median_cents`; None where there is nothing to count.

    `truth_hz` is 0 where unvoiced and -1 where undecided (those moments do not count). `found_hz` is negative where the
    tracker calls a moment unvoiced and has a guess all the same: raw pitch accuracy ignores voicing.
    """
    undecided = nearest(times, truth_hz < 0)
    # mir_eval reads a negative F0 as unvoiced with a guess.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        truth_voiced, truth_cents, found_voiced, found_cents = mir_eval.melody.to_cent_voicing(
            times, np.maximum(truth_hz, 0.0), found_times, found_hz, hop=GRID_SECONDS
        )
    keep = ~undecided(np.arange(len(truth_voiced)) * GRID_SECONDS)
    truth_voiced, truth_cents = truth_voiced[keep], truth_cents[keep]
    found_voiced, found_cents = found_voiced[keep], found_cents[keep]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        recall, alarm = mir_eval.melody.voicing_measures(truth_voiced, found_voiced)
        series = (truth_voiced, truth_cents, found_voiced, found_cents)
        raw = mir_eval.melody.raw_pitch_accuracy(*series)
        chroma = mir_eval.melody.raw_chroma_accuracy(*series)
        overall = mir_eval.melody.overall_accuracy(*series)
    has_voice, has_rest = truth_voiced.any(), (truth_voiced == 0).any()
    both = (truth_voiced > 0) & (found_cents > 0)
    errors = np.abs(truth_cents[both] - found_cents[both])
    errors = errors[errors <= 50.0]
    return {
        "rpa": 100 * float(raw) if has_voice else None,
        "rca": 100 * float(chroma) if has_voice else None,
        "vr": 100 * float(recall) if has_voice else None,
        "fa": 100 * float(alarm) if has_rest else None,
        "oa": 100 * float(overall),
        "median_cents": float(np.median(errors)) if len(errors) else None,
    }


def nearest(times, values):
    """A function that gives at any moments the value at the nearest of `times`."""
    middles = (times[1:] + times[:-1]) / 2
    return lambda moments: values[np.searchsorted(middles, moments)]


def mean(figures, key):
    """Mean of one figure over sounds, without those where it cannot be counted; None when nothing is left."""
    values = [figure[key] for figure in figures if figure[key] is not None]
    return float(np.mean(values)) if values else None
