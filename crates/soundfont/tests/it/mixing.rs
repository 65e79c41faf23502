//! Whole songs: stems, loudness, and the same bytes every time.

use std::ops::ControlFlow;

use music::{Score, score::ControlChange};
use proptest::prelude::*;
use soundfont::{Instruments, RenderError, RenderSettings, RustySynth, render};

use crate::common::{Random, mix, part, rendered, score, stem, stem_each};

/// Drums, bass, chords, a melody and strings, eight bars.
fn song() -> Score {
    let mut drums = Vec::new();
    let (mut bass, mut chords, mut melody, mut strings) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for bar in 0..4u64 {
        let (at, root) = (bar * 1_920, [36, 41, 43, 36][bar as usize]);
        for eighth in 0..8 {
            drums.push((at + eighth * 240, 60, 42, 70));
            if eighth % 4 == 0 {
                drums.push((at + eighth * 240, 100, 36, 110));
            } else if eighth % 4 == 2 {
                drums.push((at + eighth * 240, 100, 38, 100));
            }
            bass.push((at + eighth * 240, 200, root, 90));
            melody.push((at + eighth * 240, 220, root + 36 + [0, 2, 4, 7, 4, 2, 0, 7][eighth as usize], 80));
        }
        for tone in [24, 28, 31] {
            chords.push((at, 1_800, root + tone, 70));
            strings.push((at, 1_920, root + tone + 12, 60));
        }
    }
    score(vec![
        part(0, true, &drums, &[]),
        part(33, false, &bass, &[]),
        part(0, false, &chords, &[(0, ControlChange::Controller(64, 127)), (1_800, ControlChange::Controller(64, 0))]),
        part(4, false, &melody, &[(0, ControlChange::Controller(10, 90))]),
        part(48, false, &strings, &[]),
    ])
}

#[test]
fn stems_add_up_to_the_mix() {
    let font = Instruments::built_in().unwrap();
    let settings = RenderSettings { keep_stems: true, ..RenderSettings::default() };
    let made = rendered(&font, &song(), &stem_each(5), &settings).unwrap();
    let whole = mix(&made);
    let mut rest = whole.clone();
    for index in 0..5 {
        let stem = stem(&made, index);
        assert_eq!(stem.len(), whole.len());
        assert!(stem.iter().any(|x| x.abs() > 0.01), "stem {index} is heard");
        rest.iter_mut().zip(&stem).for_each(|(rest, x)| *rest -= x);
    }
    let power = |x: &[f32]| x.iter().map(|x| f64::from(x * x)).sum::<f64>();
    let residual = 10.0 * (power(&rest) / power(&whole)).log10();
    println!("stem residual {residual:.1} dB; {:?}", made.report);
    assert!(residual < -110.0, "{residual} dB");
    // The mix without stems has one room instead of five, and is the same but for rounding.
    let alone = mix(&rendered(&font, &song(), &stem_each(5), &RenderSettings::default()).unwrap());
    assert_eq!(alone.len(), whole.len());
    let difference: Vec<f32> = alone.iter().zip(&whole).map(|(a, b)| a - b).collect();
    assert!(10.0 * (power(&difference) / power(&whole)).log10() < -80.0);
}

#[test]
fn the_same_song_gives_the_same_bytes_on_any_number_of_threads() {
    let font = Instruments::built_in().unwrap();
    for keep_stems in [false, true] {
        let made = |threads| {
            let settings = RenderSettings { keep_stems, threads, ..RenderSettings::default() };
            let made = rendered(&font, &song(), &stem_each(5), &settings).unwrap();
            (mix(&made), (0..5).map(|index| stem(&made, index)).collect::<Vec<_>>(), made.report)
        };
        let first = made(1);
        for threads in [1, 2, 3, 16] {
            assert!(made(threads) == first, "{threads} threads, stems {keep_stems}");
        }
    }
}

#[test]
fn the_report_says_how_it_was_made_and_progress_can_stop() {
    let renderer = RustySynth::new(Instruments::built_in().unwrap());
    let mut seen = Vec::new();
    let made = render(&renderer, &song(), &stem_each(5), &RenderSettings::default(), &mut |share| {
        seen.push(share);
        ControlFlow::Continue(())
    });
    let report = made.unwrap().report;
    assert!(report.renderer.starts_with("rustysynth") && report.font.file_name == "built-in");
    assert!((8.0..17.0).contains(&report.seconds), "{report:?}");
    assert!(seen.len() > 50 && seen.is_sorted() && seen.iter().all(|share| (0.0..=1.0).contains(share)));
    for threads in [1, 2] {
        let settings = RenderSettings { threads, ..RenderSettings::default() };
        let stopped = render(&renderer, &song(), &stem_each(5), &settings, &mut |share| {
            if share > 0.3 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        });
        assert!(matches!(stopped, Err(RenderError::Stopped)), "{stopped:?}");
    }
}

#[test]
fn the_version_that_is_reported_is_the_one_that_is_built() {
    let lock = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../Cargo.lock")).unwrap();
    let version = lock.split("name = \"rustysynth\"\nversion = \"").nth(1).unwrap();
    let name = soundfont::Renderer::name(&RustySynth::new(Instruments::built_in().unwrap()));
    assert!(version.starts_with(name.trim_start_matches("rustysynth ")), "{name}");
}

/// Whether a mix is as loud as it can be made: at the target, or as far up as the limiter goes.
fn is_levelled(made: &soundfont::Song) -> Result<(), TestCaseError> {
    let loudness = made.report.loudness;
    let Some(peak) = loudness.true_peak_dbtp else { return Ok(()) };
    prop_assert!(peak <= -1.0 + 1e-6, "{loudness:?}");
    let Some(lufs) = loudness.integrated_lufs else { return Ok(()) };
    prop_assert!(lufs < -13.0, "{loudness:?}");
    prop_assert!(lufs > -15.0 || peak > -1.6, "too quiet, with room above: {loudness:?}");
    Ok(())
}

#[test]
fn extremes_are_levelled() {
    let font = Instruments::built_in().unwrap();
    let click = [(0, 10, 42, 127)];
    let all: Vec<_> = (0..40).map(|i| (0, 3_000, 30 + i * 2, 127)).collect();
    let low = [(0, ControlChange::Controller(7, 6))];
    for (what, parts, is_reached) in [
        ("nothing", vec![], false),
        ("a part without notes", vec![part(0, false, &[], &[])], false),
        ("silence", vec![part(0, false, &[(0, 960, 60, 100)], &[(0, ControlChange::Controller(7, 0))])], false),
        ("one note", vec![part(0, false, &[(0, 480, 60, 90)], &[])], true),
        ("a note of an instant", vec![part(0, false, &[(0, 1, 60, 90)], &[])], false),
        ("one second", vec![part(48, false, &[(0, 960, 60, 90), (0, 960, 67, 90)], &[])], true),
        ("one click", vec![part(0, true, &click, &[])], false),
        ("drums alone", vec![song().parts[0].clone()], true),
        (
            "everything at once",
            vec![part(0, false, &all, &[]), part(48, false, &all, &[]), part(27, false, &all, &[])],
            true,
        ),
        ("hardly anything", vec![part(48, false, &[(0, 1_920, 60, 1)], &low)], true),
    ] {
        let count = parts.len();
        let made = rendered(&font, &score(parts), &stem_each(count), &RenderSettings::default()).unwrap();
        println!("{what}: {:.2} s, {:?}", made.report.seconds, made.report.loudness);
        is_levelled(&made).unwrap_or_else(|why| panic!("{what}: {why}"));
        let lufs = made.report.loudness.integrated_lufs;
        assert!(!is_reached || (lufs.unwrap() + 14.0).abs() <= 1.0, "{what}: {lufs:?}");
        assert!(mix(&made).iter().all(|x| x.is_finite()));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn random_songs_are_levelled(seed in any::<u64>(), count in 1usize..7, loudest in 1u8..=127) {
        let mut random = Random::new(seed);
        let parts: Vec<_> = (0..count)
            .map(|_| {
                let drums = random.below(3) == 0;
                let notes: Vec<_> = (0..1 + random.below(60))
                    .map(|_| {
                        let (onset, length) = (random.below(5_000) as u64, 1 + random.below(1_500) as u64);
                        (onset, length, 24 + random.below(70) as u8, 1 + random.below(loudest.into()) as u8)
                    })
                    .collect();
                part(random.below(128) as u8, drums, &notes, &[(0, ControlChange::Controller(7, 20 + random.below(108) as u8))])
            })
            .collect();
        let font = Instruments::built_in().unwrap();
        let made = rendered(&font, &score(parts), &stem_each(count), &RenderSettings::default()).unwrap();
        is_levelled(&made)?;
    }
}

/// RMS of interleaved samples, in dB of full scale.
fn level_db(samples: &[f32]) -> f64 {
    let power = samples.iter().map(|x| f64::from(x * x)).sum::<f64>() / samples.len().max(1) as f64;
    10.0 * power.max(1e-20).log10()
}

#[test]
fn a_song_of_a_given_length_has_that_many_frames_and_dies_away_in_them() {
    let font = Instruments::built_in().unwrap();
    // The song itself lasts 8 s: cut in its middle, just behind its last key, and long after it has died away.
    for seconds in [3.0, 5.4321, 8.3, 8.000_011, 13.7] {
        for keep_stems in [false, true] {
            let settings = RenderSettings { keep_stems, length_seconds: Some(seconds), ..RenderSettings::default() };
            let made = rendered(&font, &song(), &stem_each(5), &settings).unwrap();
            let whole = mix(&made);
            let frames = (seconds * 44_100.0).round() as usize;
            assert_eq!(whole.len(), 2 * frames, "{seconds} s");
            assert!((made.report.seconds - seconds).abs() < 1e-4, "{:?}", made.report);
            let closing = 2 * (0.02 * 44_100.0) as usize;
            let (body, last) = whole.split_at(whole.len() - closing);
            let before = level_db(&body[body.len() - closing..]);
            println!("{seconds} s: {before:.1} dB before the last fade, all {:.1} dB", level_db(&whole));
            assert!(before < level_db(&whole) - 35.0, "{seconds} s: {before} dB before the last fade");
            assert!(last.last().is_some_and(|x| x.abs() < 1e-5));
            if keep_stems {
                let mut rest = whole.clone();
                for index in 0..5 {
                    let stem = stem(&made, index);
                    assert_eq!(stem.len(), whole.len());
                    rest.iter_mut().zip(&stem).for_each(|(rest, x)| *rest -= x);
                }
                assert!(level_db(&rest) < level_db(&whole) - 90.0, "stems do not add up: {} dB", level_db(&rest));
            }
        }
    }
    // Nothing is faded before the last key is let go.
    let natural = mix(&rendered(&font, &song(), &stem_each(5), &RenderSettings::default()).unwrap());
    let settings = RenderSettings { length_seconds: Some(9.0), ..RenderSettings::default() };
    let exact = mix(&rendered(&font, &song(), &stem_each(5), &settings).unwrap());
    let body = 2 * 44_100 * 7;
    // The silence behind it may move the loudness of the whole, and with it the gain, but nothing else.
    let pairs = || natural[..body].iter().zip(&exact).map(|(a, b)| (f64::from(*a), f64::from(*b)));
    let gain = pairs().map(|(a, b)| a * b).sum::<f64>() / pairs().map(|(_, b)| b * b).sum::<f64>();
    let difference: Vec<f32> = pairs().map(|(a, b)| (a - gain * b) as f32).collect();
    assert!(level_db(&difference) < level_db(&natural[..body]) - 35.0, "{} dB", level_db(&difference));
}

#[test]
fn a_length_that_cannot_be_is_refused() {
    let font = Instruments::built_in().unwrap();
    for seconds in [f64::NAN, -1.0, 1_800.1, f64::INFINITY] {
        let settings = RenderSettings { length_seconds: Some(seconds), ..RenderSettings::default() };
        let refused = rendered(&font, &song(), &stem_each(5), &settings);
        assert!(matches!(refused, Err(RenderError::Font(_))), "{seconds}: {refused:?}");
    }
}
