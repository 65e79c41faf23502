//! Beats and bars of tunes sung with rubato.

mod tunes;

use music::{BeatGrid, Melody, rhythm};
use tunes::{Manner, TUNES, Tune, sing};

/// How well a tune was understood.
struct Heard {
    /// No quarter too many or too few anywhere.
    keeps_count: bool,
    /// Share of the true beats within 70 ms of a found one (the window of the MIREX beat tracking task).
    on_beat: f64,
    meter: bool,
    /// Bars begin where they should; only counted where the count is kept.
    downbeat: bool,
    told: String,
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
    let told = format!("{} {:.2} {into_bar:+.1}", melody.rhythm.meter, melody.rhythm.meter_confidence);
    Heard { keeps_count, on_beat, meter, downbeat: meter && into_bar.abs() < 0.3, told }
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

    fn line(&self) -> String {
        let of = |sum: f64| 100.0 * sum / self.trials;
        format!(
            "count {:5.1} %  beats {:5.1} %  meter {:5.1} %  downbeat {:5.1} %",
            of(self.keeps_count),
            of(self.on_beat),
            of(self.meter),
            of(self.downbeat)
        )
    }
}

const STRAYS_SECONDS: [f64; 3] = [0.0, 0.015, 0.03];
/// How far, as a share, the tempo that is told is off the mean.
const TEMPI_OFF: [f64; 3] = [0.0, -0.04, 0.04];

fn over(manners: &[(&str, Vec<Manner>)]) -> Vec<Shares> {
    let mut tunes: Vec<Shares> = TUNES.iter().map(|_| Shares::default()).collect();
    let mut all = Vec::new();
    for (name, manners) in manners {
        let mut shares = Shares::default();
        for &manner in manners {
            for (tune, of_tune) in TUNES.iter().zip(&mut tunes) {
                for stray in STRAYS_SECONDS {
                    for off in TEMPI_OFF {
                        let heard = hear(tune, manner, stray, off);
                        if std::env::var_os("VERBOSE").is_some() && !(heard.keeps_count && heard.downbeat) {
                            println!(
                                "  {:16} {manner:?} {stray} {off}: count {} beats {:.2} {}",
                                tune.name, heard.keeps_count, heard.on_beat, heard.told
                            );
                        }
                        shares.add(&heard);
                        of_tune.add(&heard);
                    }
                }
            }
        }
        println!("{name:24} {}", shares.line());
        all.push(shares);
    }
    for (tune, shares) in TUNES.iter().zip(&tunes) {
        println!("    {:20} {}", tune.name, shares.line());
    }
    all
}

#[test]
fn tunes_keep_their_beats_and_bars_under_rubato() {
    let wander = |share: f64| [8.0, 16.0, 24.0].map(|period| Manner::Wander(share, period)).to_vec();
    let manners = [
        ("steady", vec![Manner::Steady]),
        ("±6 %", wander(0.06)),
        ("±12 %", wander(0.12)),
        ("±18 %", wander(0.18)),
        ("accelerando 80 to 110", vec![Manner::Slide(80.0 / 95.0, 110.0 / 95.0)]),
        ("slower phrase ends", vec![Manner::PhraseEnds(0.25)]),
    ];
    over(&manners);
}
