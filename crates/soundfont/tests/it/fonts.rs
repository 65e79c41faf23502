//! Fonts: what is taken of them, mended, refused, and said of them.

use std::{fs, io::Write as _, path::Path, process::Command};

use music::score::ControlChange;
use soundfont::{FontError, Instruments, RenderError, RenderSettings, built_in_bytes};

use crate::common::{
    CLASS, INSTRUMENT, KEYS, MODE, PAN, RATE, ROOT, Random, SAMPLE, TestFont, TestSample, VELOCITIES, dry, frequency,
    level, part, played, range, rendered, score,
};

const LEFT: u16 = -500i16 as u16;
const RIGHT: u16 = 500;

/// Drums: a stereo open and closed hi-hat (46, 42) of one class, a pedal hi-hat (44) of one side in the same class, and a
/// snare (38) without one.
fn hats() -> Instruments {
    let zone = |key, pan, class| {
        vec![(KEYS, range(key, key)), (PAN, pan), (MODE, 1), (CLASS, class), (ROOT, key), (SAMPLE, 0)]
    };
    let zones = vec![
        zone(46, LEFT, 1),
        zone(46, RIGHT, 1),
        zone(42, LEFT, 1),
        zone(42, RIGHT, 1),
        zone(44, 0, 1),
        zone(38, LEFT, 0),
        zone(38, RIGHT, 0),
    ];
    TestFont::of(vec![TestSample::sine(50, 40)], 128, zones).instruments()
}

#[test]
fn both_sides_of_a_stereo_hi_hat_sound_and_any_hi_hat_ends_another() {
    let play = |notes: &[(u64, u64, u8, u8)]| played(&hats(), &score(vec![part(0, true, notes, &[])]));
    for key in [38, 42, 46] {
        let (left, right) = play(&[(0, 960, key, 100)]);
        let (left, right) = (level(&left, 0.1, 0.4), level(&right, 0.1, 0.4));
        assert!(left > -40.0 && (left - right).abs() < 0.1, "drum {key}: {left} dB and {right} dB");
    }
    // The second stroke is soft, so that what is left of the first would be heard.
    let (alone, _) = play(&[(480, 960, 42, 40)]);
    for second in [42, 46] {
        for (side, name) in [(0, "left"), (1, "right")] {
            let (left, right) = play(&[(0, 1_900, if second == 42 { 46 } else { 42 }, 127), (480, 960, second, 40)]);
            let sound = if side == 0 { left } else { right };
            let rest = level(&sound, 0.6, 0.9) - level(&alone, 0.6, 0.9);
            assert!(rest.abs() < 0.5, "{name}: {rest} dB more than {second} alone");
        }
    }
    let (alone, _) = play(&[(480, 960, 44, 40)]);
    let (left, right) = play(&[(0, 1_900, 46, 127), (480, 960, 44, 40)]);
    for (side, sound) in [("left", left), ("right", right)] {
        let rest = level(&sound, 0.6, 0.9) - level(&alone, 0.6, 0.9);
        assert!(rest.abs() < 0.5, "a hi-hat of one side ends both: {side} {rest} dB");
    }
    let (left, _) = play(&[(0, 1_900, 46, 100), (480, 480, 38, 40)]);
    assert!(level(&left, 1.2, 1.5) > -45.0, "a snare ends no hi-hat");
}

#[test]
fn layers_of_a_preset_do_not_end_each_other() {
    let zones = |pan| vec![vec![(KEYS, range(0, 127)), (PAN, pan), (MODE, 1), (CLASS, 3), (SAMPLE, 0)]];
    let font = TestFont {
        samples: vec![TestSample::sine(100, 20)],
        instruments: vec![zones(LEFT), zones(RIGHT)],
        presets: vec![(0, 0, vec![vec![(INSTRUMENT, 0)], vec![(INSTRUMENT, 1)]])],
        ..TestFont::default()
    };
    let (left, right) = played(&font.instruments(), &score(vec![part(0, false, &[(0, 960, 60, 100)], &[])]));
    assert!(level(&left, 0.1, 0.5) > -40.0 && level(&right, 0.1, 0.5) > -40.0);
}

/// A font of which only a part is used: three programs, two velocities of the first.
fn large() -> TestFont {
    let zone = |velocities, sample| vec![(KEYS, range(0, 127)), (VELOCITIES, velocities), (MODE, 1), (SAMPLE, sample)];
    TestFont {
        samples: vec![
            TestSample::sine(100, 10),
            TestSample::sine(200, 10),
            TestSample::sine(50, 40_000),
            TestSample::sine(80, 40_000),
        ],
        instruments: vec![
            vec![zone(range(0, 63), 0), zone(range(64, 127), 1)],
            vec![zone(range(0, 127), 2)],
            vec![zone(range(0, 127), 3)],
        ],
        presets: vec![
            (0, 0, vec![vec![(INSTRUMENT, 0)]]),
            (0, 5, vec![vec![(INSTRUMENT, 1)]]),
            (8, 5, vec![vec![(INSTRUMENT, 2)]]),
        ],
        ..TestFont::default()
    }
}

#[test]
fn the_zone_of_the_velocity_and_the_bank_play() {
    let font = large().instruments();
    let hz = |program, velocity, controls: &[(u64, ControlChange)]| {
        let (left, _) = played(&font, &score(vec![part(program, false, &[(0, 960, 60, velocity)], controls)]));
        frequency(&left, 0.2, 0.8)
    };
    let close =
        |found: f64, wanted: f64| assert!((found / wanted - 1.0).abs() < 0.002, "{found} Hz instead of {wanted}");
    close(hz(0, 50, &[]), 441.0);
    close(hz(0, 100, &[]), 220.5);
    close(hz(5, 100, &[]), 882.0);
    close(hz(5, 100, &[(0, ControlChange::Controller(0, 8)), (0, ControlChange::Program(5))]), 551.25);
    // A bank that is not there: the plain program. A program that is not there: its kind.
    close(hz(5, 100, &[(0, ControlChange::Controller(0, 77)), (0, ControlChange::Program(5))]), 882.0);
    close(hz(7, 100, &[]), 882.0);
}

#[test]
fn only_what_a_song_uses_is_read() {
    let bytes = large().bytes();
    let at = bytes.windows(4).position(|four| four == b"smpl").unwrap() + 8;
    // Everything after the first two samples is gone but for its size: a hole in the file.
    let mut file = tempfile::NamedTempFile::new().unwrap();
    let tables = bytes.windows(4).rposition(|four| four == b"pdta").unwrap() - 8;
    file.write_all(&bytes[..at + 2 * (1_000 + 46 + 2_000 + 46)]).unwrap();
    file.as_file().set_len(tables as u64).unwrap();
    fs::OpenOptions::new().append(true).open(file.path()).unwrap().write_all(&bytes[tables..]).unwrap();
    let font = Instruments::load(file.path()).unwrap();
    let song = score(vec![part(0, false, &[(0, 960, 60, 100), (960, 960, 62, 40)], &[])]);
    assert!(played(&font, &song).0 == played(&large().instruments(), &song).0);
    let (left, _) = played(&font, &score(vec![part(5, false, &[(0, 960, 60, 100)], &[])]));
    assert!(left.iter().all(|x| x.abs() < 1e-6), "the hole is silent");
}

#[test]
fn loops_that_a_high_note_would_leap_over_are_made_longer_and_sound_alike() {
    let font = |waves: u32| {
        let mut sample = TestSample::sine(10, 400);
        sample.repeats = (0, 10 * waves);
        sample.rate_hz = 4_410;
        sample.root_key = 60;
        TestFont::of(vec![sample], 0, vec![vec![(KEYS, range(0, 127)), (MODE, 1), (SAMPLE, 0)]]).instruments()
    };
    let controls: Vec<(u64, ControlChange)> = [(101, 0), (100, 0), (6, 24), (101, 0), (100, 2), (6, 88)]
        .iter()
        .map(|&(number, value)| (0, ControlChange::Controller(number, value)))
        .chain([(0, ControlChange::PitchBend(8_191))])
        .collect();
    for key in [48, 60] {
        let song = score(vec![part(0, false, &[(0, 960, key, 100)], &controls)]);
        assert!(played(&font(1), &song).0 == played(&font(400), &song).0, "key {key}");
    }
}

#[test]
fn faults_that_leave_something_to_play_are_passed_over() {
    let whole = |sample: TestSample| {
        TestFont::of(
            vec![TestSample::sine(100, 40), sample],
            0,
            vec![
                vec![(KEYS, range(0, 60)), (MODE, 1), (SAMPLE, 0)],
                vec![(KEYS, range(61, 127)), (MODE, 1), (SAMPLE, 1)],
            ],
        )
    };
    let sine = TestSample::sine(100, 40);
    let with = |change: &dyn Fn(&mut TestSample)| {
        let mut sample = sine.clone();
        change(&mut sample);
        whole(sample)
    };
    let both = score(vec![part(0, false, &[(0, 480, 60, 100), (960, 480, 61, 100)], &[])]);
    for (what, font, is_heard) in [
        ("a loop outside of the file", with(&|sample| sample.repeats = (0, 4_000_000_000)), true),
        ("a loop that ends before it begins", with(&|sample| sample.repeats = (100, 50)), true),
        ("an empty sample", with(&|sample| sample.bytes.clear()), false),
        ("a rate of nothing", with(&|sample| sample.rate_hz = 0), false),
        ("a rate of everything", with(&|sample| sample.rate_hz = u32::MAX), false),
    ] {
        let (left, _) = played(&font.instruments(), &both);
        assert!(level(&left, 0.1, 0.4) > -40.0, "{what}: the rest plays");
        assert_eq!(level(&left, 1.01, 1.05) > -60.0, is_heard, "{what}");
        if !is_heard {
            let song = rendered(&font.instruments(), &both, &dry(1), &RenderSettings::default()).unwrap();
            assert!(song.report.warnings.iter().any(|warning| warning.contains("cannot be played")), "{what}");
        }
    }
    let mut lost = whole(sine);
    lost.instruments[0][1] = vec![(KEYS, range(61, 127)), (SAMPLE, 77)];
    let info = lost.instruments().info().clone();
    assert!(info.warnings.iter().any(|warning| warning.contains("1 zones")), "{info:?}");
}

#[test]
fn broken_fonts_are_refused_with_their_reason() {
    let refused = |bytes: Vec<u8>| match Instruments::from_bytes("odd.sf2", bytes) {
        Err(error @ FontError::Broken { .. }) => error.to_string(),
        other => panic!("{other:?}"),
    };
    let good = large().bytes();
    let place = |name: &[u8; 4]| good.windows(4).rposition(|four| four == name).unwrap() + 8;
    for (table, at) in [(b"pbag", 4), (b"ibag", 4), (b"phdr", 38 + 24), (b"inst", 22 + 20)] {
        let mut bytes = good.clone();
        bytes[place(table) + at..][..2].copy_from_slice(&[0xFF, 0xFF]);
        assert!(refused(bytes).contains("not where it says"), "{}", String::from_utf8_lossy(table));
    }
    assert!(refused(b"<!DOCTYPE html>".to_vec()).contains("does not begin as one"));
    assert!(refused(Vec::new()).contains("too short"));
    let mut none = large();
    none.presets.clear();
    assert!(refused(none.bytes()).contains("has no instruments"));
    let mut bytes = good.clone();
    bytes[place(b"shdr") - 8..][..4].copy_from_slice(b"shdx");
    assert!(refused(bytes).contains("shdr"));
}

/// A tone as Ogg Vorbis, made by ffmpeg.
fn vorbis(frames: &[i16]) -> Vec<u8> {
    let folder = tempfile::tempdir().unwrap();
    let raw = folder.path().join("tone.raw");
    fs::write(&raw, frames.iter().flat_map(|frame| frame.to_le_bytes()).collect::<Vec<_>>()).unwrap();
    let made = Command::new("ffmpeg")
        .args(["-v", "error", "-f", "s16le", "-ar", "44100", "-ac", "1", "-i"])
        .arg(&raw)
        .args(["-c:a", "libvorbis", "-q:a", "8", "-f", "ogg", "-"])
        .output()
        .expect("ffmpeg is among what `cargo xtask setup --tests` installs");
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    made.stdout
}

#[test]
fn compressed_samples_play_as_plain_ones_do() {
    let wave: Vec<i16> =
        (0..44_100).map(|i| ((i as f32 * std::f32::consts::TAU / 100.0).sin() * 16_000.0) as i16).collect();
    let zones = vec![vec![(KEYS, range(0, 127)), (MODE, 1), (SAMPLE, 0)]];
    let plain = TestFont::of(vec![TestSample::of(&wave, (4_000, 40_000))], 0, zones.clone());
    let compressed = TestSample { bytes: vorbis(&wave), is_compressed: true, ..TestSample::of(&[], (4_000, 40_000)) };
    for odd in [0, 1] {
        // A second stream in front; where its length is odd, the writer forgets the pad byte, as sf3convert does.
        let mut first = compressed.clone();
        first.bytes.resize(first.bytes.len() / 2 * 2 + odd, 0);
        let mut font = TestFont::of(vec![compressed.clone(), first], 0, zones.clone());
        font.forgets_pad = true;
        let font = font.instruments();
        assert!(font.info().is_compressed);
        // Longer than the sample, so that it repeats.
        let song = score(vec![part(0, false, &[(0, 2_880, 60, 100)], &[])]);
        let ((ours, _), (theirs, _)) = (played(&font, &song), played(&plain.instruments(), &song));
        let difference: Vec<f32> = ours.iter().zip(&theirs).map(|(a, b)| a - b).collect();
        assert!(level(&difference, 0.05, 2.9) < level(&theirs, 0.05, 2.9) - 30.0);
        assert!((frequency(&ours, 0.5, 2.9) - 441.0).abs() < 0.1);
    }
}

#[test]
fn compressed_samples_that_cannot_be_decoded_are_named() {
    let zones = vec![vec![(KEYS, range(0, 127)), (SAMPLE, 0)]];
    let song = score(vec![part(0, false, &[(0, 480, 60, 100)], &[])]);
    let whole = vorbis(&[1_000; 20_000]);
    let mut torn = whole.clone();
    torn[60..200].fill(0x55);
    for (bytes, reason) in [(b"no stream at all".to_vec(), "is no Ogg Vorbis"), (torn, "cannot be decoded")] {
        let sample = TestSample { bytes, is_compressed: true, ..TestSample::of(&[], (0, 0)) };
        let font = TestFont::of(vec![sample], 0, zones.clone()).instruments();
        let error = rendered(&font, &song, &dry(1), &RenderSettings::default()).unwrap_err();
        assert!(matches!(error, RenderError::Font(FontError::Broken { .. })), "{error}");
        assert!(error.to_string().contains(reason) && error.to_string().contains("\"sample\""), "{error}");
    }
    let mut unmarked = TestSample { bytes: whole, ..TestSample::of(&[], (0, 0)) };
    unmarked.bytes.resize(unmarked.bytes.len() / 2 * 2, 0);
    let error = Instruments::from_bytes("x.sf2", TestFont::of(vec![unmarked], 0, zones).bytes()).unwrap_err();
    assert!(error.to_string().contains("compressed"), "{error}");
}

#[test]
fn a_font_says_what_it_is() {
    let mut font = large();
    font.copyright = Some("Somebody, CC BY 4.0".to_owned());
    let named = |font: &TestFont, name: &str| Instruments::from_bytes(name, font.bytes()).unwrap().info().clone();
    assert_eq!(named(&font, "own.sf2").licence, "Somebody, CC BY 4.0");
    assert_eq!(named(&font, "FluidR3_GM.sf2").licence, "MIT");
    assert_eq!(named(&large(), "other.sf2").licence, "not stated");
    assert!(Instruments::built_in().unwrap().info().licence.starts_with("MIT OR Apache-2.0"));
    assert!(named(&font, "own.sf2").warnings.is_empty());
    // Velocity to filter, and to attenuation, in many places.
    font.modulators = vec![(0x0502, 48, 960); 101];
    assert!(named(&font, "own.sf2").warnings[0].contains("modulators"));
    // Modulators that only switch the default ones off.
    font.modulators = vec![(0x0502, 8, 0); 101];
    assert!(named(&font, "own.sf2").warnings.is_empty());
}

/// Whichever of the fonts that distributions install is there, the first chord of it is heard; where none is, the built-in one
/// is what is found.
#[test]
fn the_font_of_the_machine_plays() {
    let found = Instruments::find(None).unwrap();
    println!("found {:?}", found.info());
    assert!(!found.name().to_lowercase().contains("musescore"));
    let song = score(vec![
        part(0, false, &[(0, 960, 60, 100), (0, 960, 64, 100)], &[]),
        part(0, true, &[(0, 480, 42, 110)], &[]),
    ]);
    let (left, right) = played(&found, &song);
    assert!(level(&left, 0.0, 0.5) > -60.0 && level(&right, 0.0, 0.5) > -60.0);
    let (left, right) = played(&found, &score(vec![part(0, true, &[(0, 480, 42, 110)], &[])]));
    let (left, right) = (level(&left, 0.0, 0.1), level(&right, 0.0, 0.1));
    assert!((left - right).abs() < 20.0, "a hi-hat on both sides: {left} dB and {right} dB");
    let mono = Path::new("/usr/share/sounds/sf3/FluidR3Mono_GM.sf3");
    if mono.is_file() {
        let (left, _) = played(&Instruments::load(mono).unwrap(), &song);
        assert!(level(&left, 0.0, 0.5) > -60.0);
    } else {
        println!("{} is not installed: its decoding is tested on a font that is made here", mono.display());
    }
}

/// Changes bytes of a font in one of ten ways.
fn mutated(whole: &[u8], seed: usize) -> Vec<u8> {
    let mut random = Random::new(seed as u64 + 1);
    let mut bytes = whole.to_vec();
    let place = |bytes: &[u8], name: &[u8]| bytes.windows(4).rposition(|four| four == name).unwrap();
    let (tables, count) = (place(whole, b"pdta"), whole.len());
    match seed % 10 {
        0 => bytes.truncate(random.below(count)),
        1 => {
            (0..=random.below(40)).for_each(|_| bytes[tables + random.below(count - tables)] = random.below(256) as u8)
        }
        2 => (0..=random.below(400)).for_each(|_| bytes[random.below(count)] = random.below(256) as u8),
        3 => {
            let names: [&[u8]; 10] =
                [b"phdr", b"pbag", b"pmod", b"pgen", b"inst", b"ibag", b"igen", b"shdr", b"smpl", b"ifil"];
            let at = place(whole, names[random.below(10)]) + 4;
            let sizes = [0, 1, 0x7FFF_FFFF, u32::MAX, u32::MAX - 1, 46, 0x1000_0000, random.below(100_000) as u32];
            bytes[at..at + 4].copy_from_slice(&sizes[random.below(8)].to_le_bytes());
        }
        4 => {
            let at = place(whole, b"shdr") + 8;
            for _ in 0..=random.below(20) {
                let field = at + random.below((count - at) / 46) * 46 + [20, 24, 28, 32, 36, 40][random.below(6)];
                let value = [0, 1, 5, u32::MAX, 0x7FFF_FFFF, random.below(1 << 24) as u32][random.below(6)];
                bytes[field..field + 4].copy_from_slice(&value.to_le_bytes());
            }
        }
        5 => {
            let (at, end) = (place(whole, b"igen") + 8, place(whole, b"shdr"));
            for _ in 0..=random.below(60) {
                let field = at + random.below((end - at) / 4) * 4;
                bytes[field + 2..field + 4].copy_from_slice(&(random.below(65_536) as u16).to_le_bytes());
                if random.below(3) == 0 {
                    bytes[field] = random.below(61) as u8;
                }
            }
        }
        6 => {
            let (at, end) = (place(whole, b"ibag") + 8, place(whole, b"imod"));
            for _ in 0..=random.below(5) {
                let field = at + random.below((end - at) / 4) * 4;
                bytes[field..field + 2].copy_from_slice(&(random.below(65_536) as u16).to_le_bytes());
            }
        }
        7 => {
            let from = random.below(count);
            let until = (from + random.below(5_000)).min(count);
            bytes[from..until].fill(0);
        }
        8 => {
            let from = tables + random.below(count - tables);
            bytes[from..].iter_mut().for_each(|byte| *byte = random.below(256) as u8);
        }
        _ => {
            let (at, end) = (place(whole, b"phdr") + 8, place(whole, b"pbag"));
            for _ in 0..=random.below(5) {
                let field = at + random.below((end - at) / 38) * 38 + 24;
                bytes[field..field + 2].copy_from_slice(&(random.below(3_000) as u16).to_le_bytes());
            }
        }
    }
    bytes
}

#[test]
fn mutated_fonts_end_in_sound_or_an_error() {
    let built_in = built_in_bytes();
    let small = large().bytes();
    let (mut refused, mut failed, mut sounded) = (0, 0, 0);
    for seed in 0..400 {
        let whole = if seed < 200 { &built_in } else { &small };
        let Ok(font) = Instruments::from_bytes("mutated.sf2", mutated(whole, seed)) else {
            refused += 1;
            continue;
        };
        let up = [(0, ControlChange::PitchBend(8_191)), (0, ControlChange::Controller(1, 127))];
        let chord: Vec<_> = [0, 30 + seed as u8 % 20, 60, 81, 127].iter().map(|key| (0, 200, *key, 127)).collect();
        let programs = [0, 4, 5, 25, 27, 32, 48, 89];
        let mut parts: Vec<_> = programs.iter().map(|program| part(*program, false, &chord, &up)).collect();
        parts.push(part(0, true, &[(0, 100, 36, 100), (50, 100, 42, 20), (100, 100, 46, 127), (120, 10, 49, 90)], &[]));
        match rendered(&font, &score(parts), &dry(9), &RenderSettings::default()) {
            Ok(song) => {
                sounded += 1;
                assert!(crate::common::mix(&song).iter().all(|x| x.is_finite() && x.abs() <= 1.0), "seed {seed}");
            }
            Err(RenderError::Font(error)) => {
                failed += 1;
                println!("seed {seed}: {error}");
            }
            Err(error) => panic!("seed {seed}: {error}"),
        }
    }
    println!("{refused} refused, {failed} failed later, {sounded} sounded, at {RATE} Hz");
    assert!(refused > 50 && sounded > 100, "{refused} refused, {sounded} sounded");
}

#[test]
fn no_legal_song_tears_the_synthesizer() {
    // Bend ranges and tunings up to the last, wheel up, every third key: where a library that trusts them runs off a sample.
    let font = Instruments::built_in().unwrap();
    for (program, range) in [(0, 127), (27, 48), (48, 127), (89, 24)] {
        let notes: Vec<_> = (0..128u64).step_by(3).map(|key| (key * 4, 60, key as u8, 100)).collect();
        let controls: Vec<(u64, ControlChange)> = [
            (101, 0),
            (100, 0),
            (6, range),
            (38, 127),
            (101, 0),
            (100, 2),
            (6, 127),
            (101, 0),
            (100, 1),
            (6, 127),
            (1, 127),
        ]
        .iter()
        .map(|&(number, value)| (0, ControlChange::Controller(number, value)))
        .chain([(0, ControlChange::PitchBend(8_191))])
        .collect();
        let (left, _) = played(&font, &score(vec![part(program, false, &notes, &controls)]));
        assert!(left.iter().all(|x| x.is_finite()), "program {program}");
    }
    let mut random = Random::new(7);
    for _ in 0..40 {
        let notes: Vec<_> = (0..40)
            .map(|_| {
                (
                    random.below(2_000) as u64,
                    1 + random.below(400) as u64,
                    random.below(128) as u8,
                    1 + random.below(127) as u8,
                )
            })
            .collect();
        let controls: Vec<_> = (0..200)
            .map(|_| {
                let change = match random.below(6) {
                    0 => ControlChange::Program(random.below(128) as u8),
                    1 => ControlChange::PitchBend(random.below(16_384) as i16 - 8_192),
                    2 => ControlChange::Pressure(random.below(128) as u8),
                    3 => ControlChange::KeyPressure(random.below(128) as u8, random.below(128) as u8),
                    _ => ControlChange::Controller(
                        [0, 1, 6, 38, 64, 66, 96, 97, 98, 99, 100, 101, 120, 121, 123][random.below(15)],
                        random.below(128) as u8,
                    ),
                };
                (random.below(2_000) as u64, change)
            })
            .collect();
        let drums = random.below(4) == 0;
        let mut part = part(0, drums, &notes, &controls);
        part.controls.sort_by_key(|control| control.at);
        let (left, right) = played(&font, &score(vec![part]));
        assert!(left.iter().chain(&right).all(|x| x.is_finite()));
    }
}
