//! Beats and bars of tunes sung with rubato.

mod tunes;

use music::{BeatGrid, Melody, Meter, rhythm};
use tunes::{Manner, TUNES, Tune, sing};

/// How well a tune was understood.
#[derive(Debug)]
struct Heard {
    /// No quarter too many or too few anywhere.
    keeps_count: bool,
    /// Share of the true beats within 70 ms of a found one (the window of the MIREX beat tracking task).
    on_beat: f64,
    meter: bool,
    /// The meter is right and most bars begin where they should.
    downbeat: bool,
}

const WINDOW_SECONDS: f64 = 0.07;

fn hear(tune: &Tune, manner: Manner, stray_seconds: f64, tempo_off: f64) -> Heard {
    let sung = sing(tune, manner, stray_seconds, 9);
    let tempo_bpm = sung.mean_bpm * (1.0 + tempo_off);
    let found = rhythm::estimate(&sung.notes, &sung.phrases, tempo_bpm, 0.9);
    let melody = Melody { notes: sung.notes, tempo_bpm, rhythm: found, ..Melody::default() };
    let grid = BeatGrid::of(&melody);
    let near = |&&moment: &&f64| melody.rhythm.beats_seconds.iter().any(|beat| (beat - moment).abs() <= WINDOW_SECONDS);
    // What the tempo does within the last note, nobody can hear.
    let last_onset = melody.notes.last().map_or(0.0, |note| note.onset_seconds) + stray_seconds;
    let count = sung.quarters_seconds.partition_point(|&moment| moment <= last_onset);
    let truth = &sung.quarters_seconds[..count];
    let on_beat = truth.iter().filter(near).count() as f64 / truth.len() as f64;
    let drift: Vec<f64> = (0..count).map(|k| grid.quarters_at(sung.quarters_seconds[k]) - k as f64).collect();
    let mut sorted = drift.clone();
    sorted.sort_by(f64::total_cmp);
    let (least, middle, most) = (sorted[0], sorted[sorted.len() / 2], sorted[sorted.len() - 1]);
    let keeps_count = most - middle < 0.5 && middle - least < 0.5;
    let bar = f64::from(tune.meter.quarters_per_bar());
    let into_bar = (middle + tune.pickup - f64::from(grid.pickup_quarters) + bar / 2.0).rem_euclid(bar) - bar / 2.0;
    let meter = melody.rhythm.meter == tune.meter;
    Heard { keeps_count, on_beat, meter, downbeat: meter && into_bar.abs() < 0.3 }
}

/// Means of what was heard over some trials.
#[derive(Default)]
struct Shares {
    trials: f64,
    keeps_count: f64,
    on_beat: f64,
    meter: f64,
    downbeat: f64,
}

impl Shares {
    fn add(&mut self, heard: &Heard) {
        self.trials += 1.0;
        self.keeps_count += f64::from(u8::from(heard.keeps_count));
        self.on_beat += heard.on_beat;
        self.meter += f64::from(u8::from(heard.meter));
        self.downbeat += f64::from(u8::from(heard.downbeat));
    }

    /// Count, beats, meter and downbeat.
    fn per_cent(&self) -> [f64; 4] {
        [self.keeps_count, self.on_beat, self.meter, self.downbeat].map(|sum| 100.0 * sum / self.trials)
    }

    fn line(&self) -> String {
        let [count, beats, meter, downbeat] = self.per_cent();
        format!("count {count:5.1} %  beats {beats:5.1} %  meter {meter:5.1} %  downbeat {downbeat:5.1} %")
    }
}

const STRAYS_SECONDS: [f64; 3] = [0.0, 0.015, 0.03];
/// How far, as a share, the tempo that is told is off the mean.
const TEMPI_OFF: [f64; 3] = [0.0, -0.04, 0.04];

/// Tunes whose long notes stand off the beat: by their rhythm alone nobody could tell.
const OFF_THE_BEAT: [&str; 1] = ["Syncopated"];

/// Prints what is heard of all tunes in some manners; the floors, in per cent, are a little below the figures.
#[test]
fn tunes_keep_their_beats_and_bars_under_rubato() {
    let wander = |share: f64| [8.0, 16.0, 24.0].map(|period| Manner::Wander(share, period)).to_vec();
    let manners = [
        ("steady", vec![Manner::Steady], [99.0, 95.0, 99.0, 92.0]),
        ("±6 %", wander(0.06), [99.0, 95.0, 99.0, 92.0]),
        ("±12 %", wander(0.12), [91.0, 93.0, 97.0, 86.0]),
        ("±18 %", wander(0.18), [66.0, 90.0, 92.0, 70.0]),
        ("accelerando 80 to 110", vec![Manner::Slide(80.0 / 95.0, 110.0 / 95.0)], [94.0, 94.0, 95.0, 87.0]),
        ("slower phrase ends", vec![Manner::PhraseEnds(0.25)], [85.0, 90.0, 95.0, 83.0]),
    ];
    let mut of_tunes: Vec<Shares> = TUNES.iter().map(|_| Shares::default()).collect();
    for (name, manners, floors) in manners {
        let mut shares = Shares::default();
        for manner in manners {
            for (tune, of_tune) in TUNES.iter().zip(&mut of_tunes) {
                for (stray, off) in STRAYS_SECONDS.iter().flat_map(|stray| TEMPI_OFF.map(|off| (*stray, off))) {
                    let heard = hear(tune, manner, stray, off);
                    shares.add(&heard);
                    of_tune.add(&heard);
                }
            }
        }
        println!("{name:24} {}", shares.line());
        let per_cent = shares.per_cent();
        assert!(
            per_cent.iter().zip(floors).all(|(found, floor)| *found >= floor),
            "{name}: {per_cent:?} of {floors:?}"
        );
    }
    for (tune, shares) in TUNES.iter().zip(&of_tunes) {
        println!("    {:20} {}", tune.name, shares.line());
    }
}

#[test]
fn a_steady_singer_is_heard_without_a_fault() {
    for tune in TUNES.iter().filter(|tune| !OFF_THE_BEAT.contains(&tune.name)) {
        for stray in STRAYS_SECONDS {
            let heard = hear(tune, Manner::Steady, stray, 0.0);
            assert!(heard.keeps_count && heard.on_beat == 1.0 && heard.downbeat, "{} {stray}: {heard:?}", tune.name);
        }
    }
}

#[test]
fn a_long_note_has_the_tempo_of_what_is_around_it() {
    let tune = TUNES.iter().find(|tune| tune.name == "Auld Lang Syne").unwrap();
    let sung = sing(tune, Manner::Wander(0.12, 16.0), 0.0, 1);
    let found = rhythm::estimate(&sung.notes, &sung.phrases, sung.mean_bpm, 0.9);
    let lengths: Vec<f64> = found.beats_seconds.windows(2).map(|pair| pair[1] - pair[0]).collect();
    let jump = lengths.windows(2).map(|pair| (pair[1] / pair[0] - 1.0).abs()).fold(0.0, f64::max);
    assert!(jump < 0.1, "from one quarter to the next the tempo changes by {jump:.2} at most");
}

#[test]
fn a_tune_in_four_stays_in_four_however_it_wanders() {
    for name in ["Ode to Joy", "A minor march", "Frere Jacques"] {
        let tune = TUNES.iter().find(|tune| tune.name == name).unwrap();
        for period in [8.0, 16.0, 24.0] {
            let sung = sing(tune, Manner::Wander(0.25, period), 0.015, 5);
            let found = rhythm::estimate(&sung.notes, &sung.phrases, sung.mean_bpm, 0.9);
            println!("{name} ±25 % in {period}: {} (sure {:.2})", found.meter, found.meter_confidence);
            assert_eq!(found.meter, Meter::FourFour, "{name} {period}");
        }
    }
}
