//! What the sequencer makes of a song: pedals, pitch, controllers, and the end of every note. Heard, not asked.

use music::score::{ControlChange, TempoChange};
use soundfont::{Instruments, MOST_PARTS, RenderError, RenderSettings};

use crate::common::{
    CLASS, INSTRUMENT, KEYS, MODE, PAN, RATE, RELEASE, ROOT, SAMPLE, TestFont, TestSample, dry, frequency, level, mix,
    part, played, range, rendered, score,
};

fn controller(at: u64, number: u8, value: u8) -> (u64, ControlChange) {
    (at, ControlChange::Controller(number, value))
}

/// A sine of 441 Hz at key 60 for as long as a key is down; released within some milliseconds.
fn organ() -> Instruments {
    let zone = vec![(KEYS, range(0, 127)), (RELEASE, (-7_000i16) as u16), (MODE, 1), (ROOT, 60), (SAMPLE, 0)];
    TestFont::of(vec![TestSample::sine(100, 40)], 0, vec![zone]).instruments()
}

fn sounds(side: &[f32], at: f64) -> bool {
    level(side, at, at + 0.08) > -60.0
}

#[test]
fn notes_begin_and_end_where_the_tempo_map_says() {
    let mut song = score(vec![part(0, false, &[(480, 480, 60, 100)], &[])]);
    song.tempos = vec![
        TempoChange { at: 0, micros_per_quarter: 250_000 },
        TempoChange { at: 480, micros_per_quarter: 1_000_000 },
    ];
    let (left, _) = played(&organ(), &song);
    let first = left.iter().position(|x| x.abs() > 1e-4).unwrap() as f64 / f64::from(RATE);
    assert!((first - 0.25).abs() < 0.002, "begins at {first} s");
    assert!(sounds(&left, 1.1) && !sounds(&left, 1.35), "ends at 1.25 s");
}

#[test]
fn pedals_hold_what_they_should_and_nothing_hangs() {
    let notes = [(0, 480, 60, 100), (960, 480, 60, 100)];
    let down = |number| [controller(100, number, 64), controller(1_920, number, 63)];
    let plain = played(&organ(), &score(vec![part(0, false, &notes, &[])])).0;
    assert!(!sounds(&plain, 0.7), "without a pedal it ends");
    for number in [64, 66] {
        let (held, _) = played(&organ(), &score(vec![part(0, false, &notes, &down(number))]));
        assert!(sounds(&held, 0.7), "pedal {number} holds");
    }
    // Sostenuto holds only what was down when it went down.
    let late = [(0, 1_920, 40, 1), (480, 240, 72, 100), (1_900, 20, 40, 1)];
    let (caught, _) = played(&organ(), &score(vec![part(0, false, &late, &[controller(100, 66, 127)])]));
    assert!(sounds(&caught, 0.55) && level(&caught, 0.8, 0.9) < level(&caught, 0.55, 0.65) - 20.0);
    // A pedal that never comes up ends with the song.
    let stuck = score(vec![part(0, false, &notes, &[controller(0, 64, 127)])]);
    let song = rendered(&organ(), &stuck, &dry(1), &RenderSettings::default()).unwrap();
    assert!((1.5..2.3).contains(&song.report.seconds), "{} s", song.report.seconds);
    let sound = mix(&song);
    assert!(sound[sound.len() - 200..].iter().all(|x| x.abs() < 1e-3));
}

#[test]
fn a_key_that_is_struck_again_does_not_pile_up() {
    let strokes: Vec<_> = (0..8).map(|i| (i * 240, 200, 60, 100)).collect();
    let (left, _) = played(&organ(), &score(vec![part(0, false, &strokes, &[controller(0, 64, 127)])]));
    let (first, last) = (level(&left, 0.1, 0.2), level(&left, 1.85, 1.95));
    assert!((first - last).abs() < 0.5, "{first} dB, then {last} dB");
    // A score whose notes overlap is none that the reader makes; it plays all the same.
    let overlapping = [(0, 4_000, 60, 100), (480, 100, 60, 100), (480, 100, 60, 90)];
    let (left, _) = played(&organ(), &score(vec![part(0, false, &overlapping, &[])]));
    assert!(!sounds(&left, 1.2), "what was struck again ended with the second");
}

#[test]
fn bends_and_tuning_are_obeyed_within_bounds() {
    let rpn = |number, value| [controller(0, 101, 0), controller(0, 100, number), controller(0, 6, value)];
    let cents = |controls: &[(u64, ControlChange)]| {
        let (left, _) = played(&organ(), &score(vec![part(0, false, &[(0, 960, 60, 100)], controls)]));
        1_200.0 * (frequency(&left, 0.1, 0.9) / 441.0).log2()
    };
    let bend = |bend| (0, ControlChange::PitchBend(bend));
    let close = |found: f64, wanted: f64| assert!((found - wanted).abs() < 4.0, "{found} cents instead of {wanted}");
    close(cents(&[]), 0.0);
    close(cents(&[bend(8_191)]), 200.0);
    close(cents(&[rpn(0, 12).as_slice(), &[bend(-8_192)]].concat()), -1_200.0);
    close(cents(&[rpn(0, 127).as_slice(), &[bend(8_191)]].concat()), 2_400.0);
    close(cents(&rpn(2, 64 + 7)), 700.0);
    close(cents(&rpn(2, 127)), 2_400.0);
    close(cents(&[rpn(1, 96).as_slice(), &[bend(0)]].concat()), 50.0);
    close(cents(&[bend(8_191), controller(0, 121, 0)]), 0.0);
}

#[test]
fn pressure_vibrates_and_balance_moves() {
    let vibrato = |controls: &[(u64, ControlChange)]| {
        let (left, _) = played(&organ(), &score(vec![part(0, false, &[(0, 1_920, 60, 100)], controls)]));
        let slices: Vec<f64> =
            (0..30).map(|i| 0.4 + 0.05 * f64::from(i)).map(|at| frequency(&left, at, at + 0.03)).collect();
        let (low, high) = slices.iter().fold((f64::MAX, 0.0f64), |(low, high), hz| (low.min(*hz), high.max(*hz)));
        1_200.0 * (high / low).log2()
    };
    assert!(vibrato(&[]) < 2.0);
    let by_wheel = vibrato(&[controller(0, 1, 127)]);
    assert!(by_wheel > 30.0, "{by_wheel} cents");
    assert!((vibrato(&[(0, ControlChange::Pressure(127))]) - by_wheel).abs() < 3.0);
    let sides = |controls: &[(u64, ControlChange)]| {
        let (left, right) = played(&organ(), &score(vec![part(0, false, &[(0, 960, 60, 100)], controls)]));
        level(&left, 0.2, 0.8) - level(&right, 0.2, 0.8)
    };
    assert!(sides(&[]).abs() < 0.3 && sides(&[controller(0, 8, 0)]) > 20.0 && sides(&[controller(0, 8, 127)]) < -20.0);
}

#[test]
fn a_rhythm_part_keeps_its_kit_and_finds_its_drums() {
    let kit = vec![
        vec![(KEYS, range(36, 36)), (ROOT, 36), (SAMPLE, 0)],
        vec![(KEYS, range(42, 42)), (ROOT, 42), (SAMPLE, 0)],
    ];
    let font = TestFont {
        samples: vec![TestSample::sine(100, 200)],
        instruments: vec![kit],
        presets: vec![(128, 0, vec![vec![(INSTRUMENT, 0)]])],
        ..TestFont::default()
    };
    for bank in [0, 1, 120, 127] {
        for key in [36, 35, 42, 44] {
            let controls = [controller(0, 0, bank), (0, ControlChange::Program(25))];
            let (left, _) = played(&font.instruments(), &score(vec![part(0, true, &[(0, 480, key, 100)], &controls)]));
            assert!(level(&left, 0.0, 0.2) > -40.0, "drum {key} in bank {bank}");
        }
    }
    // Two kits at once, and melodic parts that the font has not.
    let hit = [(0, 480, 36, 100)];
    let song = score(vec![part(0, true, &hit, &[]), part(0, true, &hit, &[]), part(40, false, &hit, &[])]);
    let song = rendered(&font.instruments(), &song, &dry(3), &RenderSettings::default()).unwrap();
    assert!(song.report.warnings.iter().any(|warning| warning.contains("has no instruments other than drums")));
}

#[test]
fn more_parts_than_a_synthesizer_has_channels_are_all_heard() {
    let notes = [(0, 960, 60, 60)];
    let single = played(&organ(), &score(vec![part(0, false, &notes, &[])])).0;
    let many = played(&organ(), &score(vec![part(0, false, &notes, &[]); 40])).0;
    let raised = level(&many, 0.2, 0.8) - level(&single, 0.2, 0.8);
    assert!((raised - 20.0 * 40f64.log10()).abs() < 0.5, "40 parts are {raised} dB louder");
    let crowd = score(vec![part(0, false, &notes, &[]); MOST_PARTS + 1]);
    let refused = rendered(&organ(), &crowd, &dry(MOST_PARTS + 1), &RenderSettings::default()).unwrap_err();
    assert!(matches!(refused, RenderError::TooManyParts { .. }), "{refused}");
    let wrong = rendered(&organ(), &score(Vec::new()), &dry(1), &RenderSettings::default()).unwrap_err();
    assert!(matches!(wrong, RenderError::NoSuchPart { .. }), "{wrong}");
}

#[test]
fn of_values_that_change_in_one_moment_the_last_is_heard_and_pedals_all_act() {
    let notes = [(0, 400, 60, 100), (960, 480, 67, 100), (1_440, 480, 60, 90)];
    // Up and down again at one tick: what was held ends, what comes is held. Then two parameters, one after the other.
    let acting = [
        controller(0, 64, 127),
        controller(960, 64, 0),
        controller(960, 64, 127),
        controller(1_200, 101, 0),
        controller(1_200, 100, 0),
        controller(1_200, 6, 12),
        controller(1_200, 100, 1),
        controller(1_200, 6, 96),
    ];
    let last = [(1_300, ControlChange::PitchBend(-2_000)), controller(1_300, 7, 90), controller(1_300, 10, 20)];
    let before = [
        (1_300, ControlChange::PitchBend(8_191)),
        controller(1_300, 7, 0),
        controller(1_300, 10, 127),
        (1_300, ControlChange::PitchBend(3)),
        controller(1_300, 7, 127),
        // Nothing listens to these.
        controller(1_300, 91, 127),
        (1_300, ControlChange::KeyPressure(60, 100)),
    ];
    let song = |controls: &[&[(u64, ControlChange)]]| score(vec![part(0, false, &notes, &controls.concat())]);
    let (few, many) = (played(&organ(), &song(&[&acting, &last])), played(&organ(), &song(&[&acting, &before, &last])));
    assert!(few == many, "the same samples");
    assert!(sounds(&few.0, 0.9) && few != played(&organ(), &song(&[&acting[..2], &acting[3..], &last])));
}

#[test]
fn a_channel_may_be_set_up_in_another_track() {
    let setup = part(0, false, &[], &[controller(0, 7, 0), controller(900, 7, 100)]);
    let mut song = score(vec![setup, part(0, false, &[(0, 1_920, 60, 100)], &[])]);
    let (left, _) = played(&organ(), &song);
    assert!(sounds(&left, 0.3), "a channel of its own is not moved");
    song.parts[1].port = song.parts[0].port;
    let (left, _) = played(&organ(), &song);
    assert!(!sounds(&left, 0.3) && sounds(&left, 1.1));
    // Two tracks of one channel: one string for each key.
    song.parts[0] = part(0, false, &[(480, 480, 60, 100)], &[]);
    (song.parts[0].port, song.parts[0].channel) = (song.parts[1].port, song.parts[1].channel);
    let (left, _) = played(&organ(), &song);
    assert!(sounds(&left, 0.9) && !sounds(&left, 1.2), "struck again by the other track, it ends with that");
}

#[test]
fn an_overlong_song_is_refused_and_a_short_tail_is_cut() {
    let long = score(vec![part(0, false, &[(0, 960 * 1_801, 60, 100)], &[])]);
    let refused = rendered(&organ(), &long, &dry(1), &RenderSettings::default()).unwrap_err();
    assert!(refused.to_string().contains("lasts 30:01 min, and up to 30:00 min"), "{refused}");
    assert!(matches!(soundfont::check(&long), Err(RenderError::TooLong { .. })));
    let whole = score(vec![part(0, false, &[(0, 960 * 1_800, 60, 100)], &[])]);
    assert!(soundfont::check(&whole).is_ok());
    let short = score(vec![part(0, false, &[(0, 1_920, 60, 100)], &[])]);
    let song = rendered(&organ(), &short, &dry(1), &RenderSettings::default()).unwrap();
    assert!((2.2..2.7).contains(&song.report.seconds), "{} s of which 2 sound", song.report.seconds);
    // A note that rings for a minute is faded instead.
    let zone = vec![(KEYS, range(0, 127)), (RELEASE, 8_000), (MODE, 1), (SAMPLE, 0)];
    let ringing = TestFont::of(vec![TestSample::sine(100, 40)], 0, vec![zone]).instruments();
    let song = rendered(&ringing, &short, &dry(1), &RenderSettings::default()).unwrap();
    assert!((9.5..10.2).contains(&song.report.seconds), "{} s", song.report.seconds);
    let sound = mix(&song);
    let steps = sound.chunks_exact(2).map(|pair| pair[0]).collect::<Vec<_>>();
    assert!(steps.last().unwrap().abs() < 1e-3 && level(&steps, 8.0, 8.5) > -40.0);
}

#[test]
fn a_soft_song_is_heard() {
    let soft = score(vec![part(0, false, &[(0, 960, 60, 1), (960, 960, 64, 2)], &[])]);
    let song = rendered(&organ(), &soft, &dry(1), &RenderSettings::default()).unwrap();
    assert!((song.report.loudness.integrated_lufs.unwrap() + 14.0).abs() < 1.0);
    let hidden = score(vec![part(0, false, &[(0, 960, 60, 100)], &[controller(0, 7, 9), controller(0, 11, 90)])]);
    let song = rendered(&organ(), &hidden, &dry(1), &RenderSettings::default()).unwrap();
    assert!((song.report.loudness.integrated_lufs.unwrap() + 14.0).abs() < 1.0, "{:?}", song.report.loudness);
}

#[test]
fn all_sound_off_is_at_once() {
    let zone = vec![(KEYS, range(0, 127)), (RELEASE, 2_000), (MODE, 1), (CLASS, 0), (PAN, 0), (SAMPLE, 0)];
    let slow = TestFont::of(vec![TestSample::sine(100, 40)], 0, vec![zone]).instruments();
    let notes = [(0, 960, 60, 100), (2_000, 100, 60, 1)];
    let (left, _) = played(&slow, &score(vec![part(0, false, &notes, &[controller(480, 120, 0)])]));
    assert!(sounds(&left, 0.3) && level(&left, 0.55, 0.65) < -90.0);
}
