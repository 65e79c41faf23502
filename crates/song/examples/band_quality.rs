//! Whether a band fits the hum that it plays to: chords and beats, in figures, beside cheaper ways. Hums are made here from
//! tunes in the public domain, with tempos that wander and onsets that stray, so that the truth is known.

use std::{f64::consts::TAU, io::Write as _, ops::ControlFlow, time::Duration};

use domain::kinds::melody_vocals::MelodyToVocalsRequest;
use media::{Encoding, MediaError, Tags};
use music::harmony;
use providers::{AudioInput, CallScope, Capabilities, DirectCalls, Stop, no_progress};
use resilience::{BreakerRegistry, BreakerSettings};
use settings::{LoadOptions, Settings};
use song::{Arranged, BandPlaying, Meeting, Together, beats_apart};
use telemetry::Metrics;

const RATE: u32 = 44_100;

/// Name, quarters per minute, notes by MIDI key (0 rests) and length in quarters.
struct Tune {
    name: &'static str,
    bpm: f64,
    notes: &'static [(u8, f64)],
}

const TUNES: &[Tune] = &[
    Tune {
        name: "Auld Lang Syne",
        bpm: 96.0,
        notes: &[
            (60, 1.0),
            (65, 1.5),
            (65, 0.5),
            (65, 1.0),
            (69, 1.0),
            (67, 1.5),
            (65, 0.5),
            (67, 1.0),
            (69, 1.0),
            (65, 1.5),
            (65, 0.5),
            (69, 1.0),
            (72, 1.0),
            (74, 3.0),
            (74, 1.0),
            (72, 1.5),
            (69, 0.5),
            (69, 1.0),
            (65, 1.0),
            (67, 1.5),
            (65, 0.5),
            (67, 1.0),
            (69, 1.0),
            (65, 1.5),
            (62, 0.5),
            (62, 1.0),
            (60, 1.0),
            (65, 3.0),
        ],
    },
    Tune {
        name: "Amazing Grace",
        bpm: 92.0,
        notes: &[
            (55, 1.0),
            (60, 2.0),
            (64, 0.5),
            (60, 0.5),
            (64, 2.0),
            (62, 1.0),
            (60, 2.0),
            (57, 1.0),
            (55, 2.0),
            (55, 1.0),
            (60, 2.0),
            (64, 0.5),
            (60, 0.5),
            (64, 2.0),
            (62, 1.0),
            (67, 5.0),
            (64, 1.0),
            (67, 1.5),
            (64, 0.5),
            (67, 0.5),
            (64, 0.5),
            (60, 2.0),
            (55, 1.0),
            (57, 1.5),
            (60, 0.5),
            (60, 0.5),
            (57, 0.5),
            (55, 2.0),
            (55, 1.0),
            (60, 2.0),
            (64, 0.5),
            (60, 0.5),
            (64, 2.0),
            (62, 1.0),
            (60, 3.0),
        ],
    },
    Tune {
        name: "Greensleeves",
        bpm: 128.0,
        notes: &[
            (57, 1.0),
            (60, 2.0),
            (62, 1.0),
            (64, 1.5),
            (65, 0.5),
            (64, 1.0),
            (62, 2.0),
            (59, 1.0),
            (55, 1.5),
            (57, 0.5),
            (59, 1.0),
            (60, 2.0),
            (57, 1.0),
            (57, 1.5),
            (56, 0.5),
            (57, 1.0),
            (59, 2.0),
            (56, 1.0),
            (52, 3.0),
            (57, 1.0),
            (60, 2.0),
            (62, 1.0),
            (64, 1.5),
            (65, 0.5),
            (64, 1.0),
            (62, 2.0),
            (59, 1.0),
            (55, 1.5),
            (57, 0.5),
            (59, 1.0),
            (60, 1.5),
            (59, 0.5),
            (57, 1.0),
            (56, 1.5),
            (54, 0.5),
            (56, 1.0),
            (57, 3.0),
        ],
    },
    Tune {
        name: "When the Saints",
        bpm: 116.0,
        notes: &[
            (60, 1.0),
            (64, 1.0),
            (65, 1.0),
            (67, 4.0),
            (0, 1.0),
            (60, 1.0),
            (64, 1.0),
            (65, 1.0),
            (67, 4.0),
            (0, 1.0),
            (60, 1.0),
            (64, 1.0),
            (65, 1.0),
            (67, 2.0),
            (64, 2.0),
            (60, 2.0),
            (64, 2.0),
            (62, 4.0),
            (0, 1.0),
            (64, 1.0),
            (64, 1.0),
            (62, 1.0),
            (60, 3.0),
            (60, 1.0),
            (64, 2.0),
            (67, 2.0),
            (67, 1.0),
            (65, 3.0),
            (0, 1.0),
            (64, 1.0),
            (65, 1.0),
            (67, 2.0),
            (64, 2.0),
            (60, 2.0),
            (62, 2.0),
            (60, 4.0),
        ],
    },
    Tune {
        name: "Scarborough Fair",
        bpm: 120.0,
        notes: &[
            (50, 2.0),
            (50, 1.0),
            (57, 2.0),
            (57, 1.0),
            (52, 1.5),
            (53, 0.5),
            (52, 1.0),
            (50, 3.0),
            (0, 1.0),
            (57, 1.0),
            (60, 1.0),
            (62, 2.0),
            (60, 1.0),
            (57, 1.0),
            (59, 1.0),
            (55, 1.0),
            (57, 3.0),
            (0, 2.0),
            (62, 1.0),
            (62, 2.0),
            (62, 1.0),
            (60, 2.0),
            (57, 1.0),
            (57, 1.0),
            (55, 1.0),
            (53, 1.0),
            (52, 1.0),
            (48, 2.0),
            (0, 1.0),
            (50, 2.0),
            (57, 2.0),
            (55, 1.0),
            (53, 2.0),
            (52, 1.0),
            (50, 1.0),
            (48, 1.0),
            (50, 3.0),
        ],
    },
];

/// How somebody hums: how far the tempo wanders (a share), and how far onsets stray (seconds, standard deviation).
const MANNERS: [(&str, f64, f64); 2] = [("even", 0.0, 0.01), ("rubato", 0.12, 0.02)];

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(run())
}

async fn run() -> Result<(), Box<dyn std::error::Error>> {
    let settings = Settings::load(&LoadOptions::default())?;
    let metrics = Metrics::new("band-quality");
    let breakers = BreakerRegistry::new(BreakerSettings::default(), metrics.clone());
    let capabilities = Capabilities::offline(&settings, &breakers, &metrics)?;
    println!(
        "Chords: share of the sung time in which the note belongs to its chord; beside it the tonic chord throughout."
    );
    println!(
        "Beats: median distance of voice and band, and share within 30 ms; as sung with the band / as written / 60 ms late.\n"
    );
    println!(
        "| Tune | hummed | beat | style, bpm | chords | tonic only | beats | with the band | as written | 60 ms late |"
    );
    println!("|---|---|---|---|---|---|---|---|---|---|");
    let mut all = Totals::default();
    for tune in TUNES {
        for (manner, wander, stray) in MANNERS {
            for beat in ["follow", "steady"] {
                let row = row(&settings, &capabilities, tune, (wander, stray), beat).await?;
                println!(
                    "| {} | {manner} | {beat} | {}, {:.0} | {:.0} % | {:.0} % | {} | {} | {} | {} |",
                    tune.name,
                    row.style,
                    row.bpm,
                    100.0 * row.consonance,
                    100.0 * row.tonic,
                    row.with_band.map_or(0, |together| together.beats),
                    shown(row.with_band),
                    shown(row.as_written),
                    shown(row.late),
                );
                all.add(&row);
            }
        }
    }
    all.print();
    Ok(())
}

fn shown(together: Option<Together>) -> String {
    together.map_or_else(
        || "too few".to_owned(),
        |heard| format!("{:.0} ms, {:.0} %", heard.median_ms, 100.0 * heard.within_30_ms),
    )
}

struct Row {
    style: &'static str,
    bpm: f64,
    consonance: f64,
    tonic: f64,
    with_band: Option<Together>,
    as_written: Option<Together>,
    late: Option<Together>,
}

/// Sums over all songs; beats count alike, whichever song they are of.
#[derive(Default)]
struct Totals {
    songs: f64,
    consonance: f64,
    tonic: f64,
    within: [f64; 3],
    beats: [f64; 3],
}

impl Totals {
    fn add(&mut self, row: &Row) {
        self.songs += 1.0;
        self.consonance += row.consonance;
        self.tonic += row.tonic;
        for (place, together) in [row.with_band, row.as_written, row.late].into_iter().enumerate() {
            let Some(Together { beats, within_30_ms, .. }) = together else { continue };
            self.beats[place] += beats as f64;
            self.within[place] += within_30_ms * beats as f64;
        }
    }

    fn print(&self) {
        let share = |place: usize| 100.0 * self.within[place] / self.beats[place].max(1.0);
        println!(
            "\n{} songs: {:.1} % of the sung time fits its chord (tonic only {:.1} %); within 30 ms of the band {:.1} % of {} \
             beats (as written {:.1} %; 60 ms late {:.1} %)",
            self.songs,
            100.0 * self.consonance / self.songs,
            100.0 * self.tonic / self.songs,
            share(0),
            self.beats[0],
            share(1),
            share(2)
        );
    }
}

async fn row(
    settings: &Settings,
    capabilities: &Capabilities,
    tune: &Tune,
    (wander, stray): (f64, f64),
    beat: &'static str,
) -> Result<Row, Box<dyn std::error::Error>> {
    let asked = |backing: &'static str| {
        let field = move |name: &str| match name {
            "prompt" => Some("a song about the sea in summer"),
            "backing" => Some(backing),
            "beat" if backing == "band" => Some(beat),
            "stems" if backing == "band" => Some("true"),
            _ => None,
        };
        MelodyToVocalsRequest::read(field, 3).map_err(|error| error.to_string())
    };
    let (request, alone) = (asked("band")?, asked("none")?);
    let audio = AudioInput::new(hum(tune, wander, stray)?)?;
    let time = Duration::from_secs(600);
    let calls = DirectCalls::default();
    let scope = CallScope::new(&calls, time);
    let melody = song::extract_melody(capabilities, scope, &audio, &request, &no_progress())
        .await
        .map_err(Stop::into_failure)?
        .value;
    let arranged = song::arrange(&melody, &request)?.ok_or("no band")?;
    let gate = settings.quality_gate();
    let lyrics = song::write_lyrics(capabilities, gate, scope, &arranged.melody, &request)
        .await
        .map_err(Stop::into_failure)?
        .value;
    let parts = (&arranged.melody, &lyrics);
    let sung =
        song::sing(capabilities, gate, scope, parts, &request, &no_progress()).await.map_err(Stop::into_failure)?.value;
    let written =
        song::sing(capabilities, gate, scope, parts, &alone, &no_progress()).await.map_err(Stop::into_failure)?.value;

    let mut go_on = |_| ControlFlow::Continue(());
    let player = &capabilities.accompaniment;
    let playing = BandPlaying { player, keep_stems: true, threads: 2, progress: &mut go_on };
    let sound = song::play(&arranged, &sung.mastered.samples, playing)?;
    let master = &sound.master;
    let mut stems: Vec<Vec<f32>> = Vec::new();
    for stem in 0..master.stems() {
        let mut mono = Vec::new();
        master.each_of_stem(stem, |block| {
            mono.extend(block.chunks_exact(2).map(|pair| (pair[0] + pair[1]) / 2.0));
            Ok::<_, MediaError>(())
        })?;
        stems.push(mono);
    }
    let (voice, others) = stems.split_first().ok_or("no stems")?;
    let band: Vec<f32> = (0..voice.len()).map(|at| others.iter().map(|stem| stem[at]).sum()).collect();
    let late: Vec<f32> = std::iter::repeat_n(0.0, RATE as usize * 6 / 100).chain(voice.iter().copied()).collect();
    let heard = |voice: &[f32]| apart(&band, voice, &arranged);
    let tonic = arranged.band.chords.iter().map(|span| {
        let quality = match melody.key.mode {
            music::Mode::Major => harmony::Quality::Major,
            music::Mode::Minor => harmony::Quality::Minor,
        };
        harmony::ChordSpan { chord: harmony::Chord { root: melody.key.tonic, quality }, ..*span }
    });
    Ok(Row {
        style: arranged.band.style.name(),
        bpm: arranged.band.summary.tempo_bpm,
        consonance: harmony::consonance(&arranged.melody, &arranged.band.chords),
        tonic: harmony::consonance(&arranged.melody, &tonic.collect::<Vec<_>>()),
        with_band: heard(voice),
        as_written: heard(&written.mastered.samples),
        late: heard(&late),
    })
}

fn apart(band: &[f32], voice: &[f32], arranged: &Arranged) -> Option<Together> {
    let sung: Vec<f64> = arranged.melody.notes.iter().map(|note| note.onset_seconds).collect();
    let shared = arranged.band.notes_on_beats(&arranged.melody);
    beats_apart(band, voice, RATE, &Meeting { sung: &sung, shared: &shared })
}

/// The tune as a hum, in a WAV file without a name.
fn hum(tune: &Tune, wander: f64, stray: f64) -> Result<std::fs::File, Box<dyn std::error::Error>> {
    const STEP: f64 = 1.0 / 96.0;
    let total: f64 = tune.notes.iter().map(|(_, length)| length).sum();
    // Moments of the quarters: the tempo wanders once in sixteen of them.
    let mut moments = vec![0.6];
    for step in 0..((total / STEP) as usize + 2) {
        let tempo = tune.bpm * (1.0 + wander * (TAU * step as f64 * STEP / 16.0).sin());
        moments.push(moments[step] + STEP * 60.0 / tempo);
    }
    let at = |quarter: f64| moments[((quarter / STEP).round() as usize).min(moments.len() - 1)];
    let mut samples = vec![0.0f32; ((at(total) + 0.6) * f64::from(RATE)) as usize];
    let mut dice = 11u64;
    let mut chance = || {
        dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (dice >> 11) as f64 / (1u64 << 53) as f64
    };
    let mut quarter = 0.0;
    for (key, length) in tune.notes {
        if *key > 0 {
            let off = stray * 2.0 * (chance() + chance() + chance() - 1.5);
            let (onset, end) = ((at(quarter) + off).max(0.0), at(quarter + length) - 0.06);
            let hz = music::midi_to_hz(f64::from(*key) + 0.1 * (chance() - 0.5));
            let from = (onset * f64::from(RATE)) as usize;
            for (place, sample) in samples.iter_mut().skip(from).enumerate() {
                let (since, left) = (place as f64 / f64::from(RATE), end - onset - place as f64 / f64::from(RATE));
                if left <= 0.0 {
                    break;
                }
                let level = (since / 0.03).min(left / 0.05).min(1.0);
                let vibrato = 0.003 * (TAU * 5.5 * since).sin() * (since / 0.4).min(1.0);
                let phase = TAU * hz * since + vibrato * hz / 5.5;
                let sound: f64 = (1..9).map(|k| (f64::from(k) * phase).sin() / f64::from(k).powf(1.5)).sum();
                *sample = (0.2 * level * sound) as f32;
            }
        }
        quarter += length;
    }
    samples.iter_mut().for_each(|sample| *sample += 0.002 * (chance() as f32 - 0.5));
    let wav = media::encode(&samples, RATE, 1, Encoding::Wav16, &Tags::default())?;
    let mut file = tempfile::tempfile()?;
    file.write_all(&wav)?;
    Ok(file)
}
