//! Somebody else's speech, aligned with its words and sung. flite, whose times are known, stands in for them.

use lyrics::Lyrics;
use pitch::{PitchAgreement, pitch_agreement};
use voice::{
    Speaker, SpokenPart, SungVocal, Utterance, Voice, VoiceError, VoiceOptions, VowelOnsets, align_spoken, sing_spoken,
    vowel_onset_error,
};

use crate::common::{Recording, TEXT, Way, flite, is_vowel, recordings, song};

/// Seconds by which each vowel was missed.
#[derive(Default)]
struct Misses(Vec<f64>);

impl Misses {
    fn at(&mut self, share: f64) -> f64 {
        self.0.sort_by(f64::total_cmp);
        1000.0 * self.0[(share * (self.0.len() - 1) as f64).round() as usize]
    }
}

impl std::fmt::Display for Misses {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut own = Misses(self.0.clone());
        write!(f, "{:5.1} {:5.1} {:6.1}", own.at(0.5), own.at(0.9), own.at(1.0))
    }
}

/// Where each utterance lies in its recording and where its vowels begin, in seconds of the recording.
fn vowels(part: &SpokenPart, lines: &[Utterance]) -> Vec<f64> {
    let sound = pitch::f0::Resampler::new(part.sample_rate_hz, 16_000).convert(&part.samples);
    let mut from = 0;
    let mut vowels = Vec::new();
    for line in lines {
        let at =
            sound[from..].windows(64).position(|window| window == &line.samples[..64]).expect("a cut of it") + from;
        let mut start = 0.0;
        for (phone, end) in &line.phones {
            if is_vowel(phone) {
                vowels.push(at as f64 / 16_000.0 + start);
            }
            start = *end;
        }
        from = at;
    }
    vowels
}

fn aligned(lyrics: &Lyrics, recordings: &[Recording], against: Option<(&dyn Speaker, Voice)>) -> Misses {
    let mut misses = Misses::default();
    let parts: Vec<SpokenPart> = recordings.iter().map(|recording| recording.part.clone()).collect();
    let lines = align_spoken(lyrics, &parts, against).expect("aligned");
    assert_eq!(lines.len(), lyrics.lines.len());
    for recording in recordings {
        let found = vowels(&recording.part, &lines[recording.part.lines.clone()]);
        assert_eq!(found.len(), recording.vowels.len());
        misses.0.extend(found.iter().zip(&recording.vowels).map(|(a, b)| (a - b).abs()));
    }
    misses
}

/// Voice, tempo, noise in dB and lines of a recording. The diphone voice is not among them: the times that it prints are some
/// 50 ms from what is heard.
const WAYS: [(Voice, f64, f64, usize); 5] = [
    (Voice::Rms, 1.0, -60.0, 1),
    (Voice::Rms, 0.8, -25.0, 2),
    (Voice::Slt, 1.2, -20.0, 3),
    (Voice::Slt, 1.0, -15.0, 4),
    (Voice::Awb, 1.2, -20.0, 3),
];

/// Vowels at equal distances.
fn spaced(recordings: &[Recording]) -> Misses {
    let mut misses = Misses::default();
    for recording in recordings {
        let (first, last) = (recording.vowels[0], recording.vowels[recording.vowels.len() - 1]);
        let step = (last - first) / (recording.vowels.len() - 1).max(1) as f64;
        misses.0.extend(recording.vowels.iter().enumerate().map(|(i, at)| (first + step * i as f64 - at).abs()));
    }
    misses
}

#[test]
fn vowels_are_found_where_they_are() {
    let (_, lyrics) = song(&TEXT, 50);
    let flite = flite();
    println!("voice tempo noise lines | formant: median p90 worst ms | flite's other voice | evenly spaced");
    for (voice, tempo, noise_db, lines_a_part) in WAYS {
        let way = Way { voice, tempo, noise_db, lines_a_part };
        let other = if voice == Voice::Rms { Voice::Slt } else { Voice::Rms };
        let recordings = recordings(&lyrics, &way);
        let mut own = aligned(&lyrics, &recordings, None);
        let lent = aligned(&lyrics, &recordings, Some((&flite, other)));
        let mut even = spaced(&recordings);
        println!("{voice:5} {tempo} {noise_db} {lines_a_part} | {own} | {lent} | {even}");
        assert!(own.at(0.5) <= 15.0 && own.at(0.9) <= 45.0, "{way:?}: {own}");
        assert!(even.at(0.5) > 2.0 * own.at(0.5), "{way:?}: {own} is no better than even spacing, {even}");
    }
}

/// What is given in place of a recording, made of it and of another one.
type Change = fn(&[f32], &[f32]) -> Vec<f32>;

/// Counts how many of the recordings are taken for what they should say, after a change.
fn taken(change: Change) -> (usize, usize) {
    let (_, lyrics) = song(&TEXT[..8], 50);
    let (mut taken, mut all) = (0, 0);
    for voice in [Voice::Rms, Voice::Slt] {
        let said = recordings(&lyrics, &Way { voice, tempo: 1.0, noise_db: -30.0, lines_a_part: 2 });
        for (index, recording) in said.iter().enumerate() {
            let own = Lyrics { lines: lyrics.lines[recording.part.lines.clone()].to_vec(), ..lyrics.clone() };
            let other = &said[(index + 1) % said.len()].part.samples;
            let samples = change(&recording.part.samples, other);
            match align_spoken(&own, &[SpokenPart { lines: 0..2, samples, ..recording.part }], None) {
                Ok(lines) => taken += lines.len() / 2,
                Err(VoiceError::Unaligned { line, reason }) => assert!(line < 2 && !reason.is_empty()),
                Err(error) => panic!("{error}"),
            }
            all += 1;
        }
    }
    (taken, all)
}

#[test]
fn what_is_not_said_is_not_found() {
    let noise = |own: &[f32], _: &[f32]| {
        let mut dice = crate::common::Dice(1);
        own.iter().map(|_| 0.1 * (dice.next() - 0.5) as f32).collect::<Vec<f32>>()
    };
    let check = |name, change: Change, expected| assert_eq!(taken(change), expected, "{name}");
    check("as it was said", |own, _| own.to_vec(), (8, 8));
    check("the words of others", |_, other| other.to_vec(), (0, 8));
    check("its first half", |own, _| own[..own.len() / 2].to_vec(), (0, 8));
    check("said three times", |own, _| [own, own, own].concat(), (0, 8));
    check("backwards", |own, _| own.iter().rev().copied().collect(), (0, 8));
    check("noise", noise, (0, 8));
    check("nothing", |_, _| vec![0.0; 48_000], (0, 8));
}

#[test]
fn foreign_speech_is_sung_as_well_as_the_engines_own_voice() {
    println!("voice tempo noise | sung by: within 50 cents, median cents, onsets median p90 ms, within 50 ms");
    for (voice, tonic) in [(Voice::Rms, 48), (Voice::Slt, 60)] {
        let (melody, lyrics) = song(&TEXT[..4], tonic);
        let options = VoiceOptions { voice, ..VoiceOptions::default() };
        let own = voice::sing(&melody, &lyrics, &options, Some(&flite()), &mut |_| {}).expect("sung");
        print(&format!("{voice} itself"), &own);
        for (tempo, noise_db) in [(1.0, -60.0), (0.8, -25.0), (1.2, -25.0)] {
            let way = Way { voice, tempo, noise_db, lines_a_part: 2 };
            let parts: Vec<SpokenPart> = recordings(&lyrics, &way).into_iter().map(|r| r.part).collect();
            let mut done = 0.0;
            let sung = sing_spoken(&melody, &lyrics, &parts, &options, &mut |share| {
                assert!(share >= done && share <= 1.0, "progress goes from {done} to {share}");
                done = share;
            });
            assert_eq!(done, 1.0);
            let sung = sung.expect("sung");
            print(&format!("{voice} {tempo} {noise_db}"), &sung);
            assert_eq!((sung.syllables_placed, sung.octave_shift), (own.syllables_placed, own.octave_shift));
            assert_eq!((sung.register, sung.voice), (voice.register(), Voice::Auto));
            assert!(sung.samples.iter().all(|s| s.is_finite() && s.abs() <= 0.9));
            let (pitch, onsets) = figures(&sung);
            assert!(pitch.within_50 >= 0.97, "{way:?}: {pitch:?}");
            assert!(onsets.median_ms <= 25.0, "{way:?}: {onsets:?}");
        }
    }
}

fn figures(sung: &SungVocal) -> (PitchAgreement, VowelOnsets) {
    let vowels: Vec<f64> = sung.sounds.iter().filter(|s| s.is_vowel).map(|s| s.start_seconds).collect();
    let pitch = pitch_agreement(&sung.samples, sung.sample_rate_hz, &sung.target);
    (pitch, vowel_onset_error(&sung.samples, sung.sample_rate_hz, &vowels))
}

fn print(name: &str, sung: &SungVocal) {
    let (pitch, onsets) = figures(sung);
    println!(
        "{name}: {:.1} %, {:.1} c | {:.0} {:.0} ms, {:.0} %",
        100.0 * pitch.within_50,
        pitch.median_cents,
        onsets.median_ms,
        onsets.p90_ms,
        100.0 * onsets.within_50_ms
    );
}
