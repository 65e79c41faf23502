"""A row of the benchmark's table, and what all rows share: the programs under test, the corpus, the folder for results."""

import json
import os
import pathlib
import subprocess
import sys
from dataclasses import dataclass, field

import corpus


class NotMeasured(Exception):
    """Says why a row has no figures."""


@dataclass
class Row:
    key: str
    what: str
    goal: str
    ours: str = ""
    baseline: str = ""
    # None where nothing was measured.
    met: bool | None = None
    # Every figure behind the row, for the JSON file.
    details: dict = field(default_factory=dict)
    # Why it was not measured.
    missing: str | None = None

    @property
    def verdict(self):
        return "not measured" if self.met is None else "met" if self.met else "SHORT"


class Bench:
    """What the rows measure, and where they leave things."""

    def __init__(self, programs, out, data, quick):
        self.programs = programs
        self.measure_engine = programs / "measure-engine"
        self.descant = programs / "descant"
        self.out = pathlib.Path(out)
        # The folder `audio` of the recordings, or None.
        self.audio = data
        self.quick = quick
        self.kept = {}

    def once(self, name, make):
        """The value of `make()`, made once for all rows."""
        if name not in self.kept:
            self.kept[name] = make()
        return self.kept[name]

    def recordings(self):
        if self.audio is None:
            raise NotMeasured("needs recordings, and there are none here (DESCANT_SHARED_DATA)")
        return self.audio

    @property
    def corpus(self):
        return self.out / "corpus"

    def sounds(self):
        """Every sound of the corpus, made on first use; with --quick two of each kind."""

        def make():
            say("making the sounds with known pitch")
            self.run_measure("hum", self.corpus)
            made = corpus.make(self.corpus, self.audio)
            if not self.quick:
                return made
            names = {}
            for sound in made:
                if sound.condition == "clean":
                    names.setdefault(sound.group, []).append(sound.name)
            few = [name for group in names.values() for name in group[:2]]
            # The name of a damaged sound begins with that of the clean one.
            ends = [f"{name}{end}" for name in few for end in ["", *(f"_{damage}" for damage in corpus.DAMAGES)]]
            return [sound for sound in made if sound.name in ends]

        return self.once("sounds", make)

    def run_measure(self, *arguments):
        run([self.measure_engine, *arguments])

    def measured(self, part, sounds, *more):
        """What `measure-engine PART` writes about sounds of the corpus, by name."""
        file = self.out / f"{part}.json"
        names = ",".join(sound.name for sound in sounds)
        self.run_measure(part, self.corpus, "--out", file, "--only", names, *more)
        return {found["name"]: found for found in self.read_json(file)}

    @staticmethod
    def read_json(file):
        return json.loads(pathlib.Path(file).read_text())


def say(text):
    """For those who watch; standard output is for the table."""
    print(f"… {text}", file=sys.stderr, flush=True)


def run(command, **options):
    command = [str(part) for part in command]
    done = subprocess.run(command, capture_output=True, text=True, env=two_core_environment(), **options)
    if done.returncode != 0:
        raise NotMeasured(f"{pathlib.Path(command[0]).name} failed: {done.stderr.strip()[-400:]}")
    return done.stdout


def two_core_environment():
    return dict(os.environ, RAYON_NUM_THREADS="2")


def two_cores():
    """Keeps this process and those it starts on two cores: the goals are set for two."""
    cores = sorted(os.sched_getaffinity(0))[:2]
    os.sched_setaffinity(0, cores)
    return len(cores)


def percent(value):
    return "–" if value is None else f"{value:.1f}"
