//! The sung voice: what was meant is what is heard, whatever the melody.

use lyrics::{Lyrics, LyricsRequest, write_lyrics};
use music::{Key, Melody, MidiPitch, Mode, Note, Phrase, PitchFrame, PitchTrack, midi_to_hz};
use pitch::pitch_agreement;
use voice::{Expression, Register, SungVocal, VoiceError, VoiceOptions, sing};

/// Notes as (semitones above `tonic`, seconds), phrases apart by a rest.
fn melody(tonic: u8, phrases: &[&[(u8, f64)]], rest_seconds: f64) -> Melody {
    let (mut notes, mut spans, mut now) = (Vec::new(), Vec::new(), 0.4);
    for phrase in phrases {
        let start = notes.len();
        for &(step, seconds) in *phrase {
            notes.push(Note {
                onset_seconds: now,
                duration_seconds: seconds,
                pitch: MidiPitch::new(tonic + step),
                cents: 0.0,
                velocity: 85,
            });
            now += seconds;
        }
        now += rest_seconds;
        spans.push(Phrase { start, end: notes.len() });
    }
    Melody {
        duration_seconds: now,
        track: PitchTrack { hop_seconds: 0.01, frames: Vec::new() },
        notes,
        phrases: spans,
        key: Key { tonic: 0, mode: Mode::Major, confidence: 1.0 },
        tempo_bpm: 100.0,
        ..Melody::default()
    }
}

const JOY: [&[(u8, f64)]; 2] = [
    &[(4, 0.45), (4, 0.45), (5, 0.45), (7, 0.45), (7, 0.45), (5, 0.45), (4, 0.45), (2, 0.45)],
    &[(0, 0.45), (0, 0.45), (2, 0.45), (4, 0.45), (4, 0.7), (2, 0.2), (2, 0.9)],
];
const JOY_WORDS: [&str; 2] = ["sing with me above the harbor", "every heart is coming home"];

fn joy(tonic: u8) -> (Melody, Lyrics) {
    let melody = melody(tonic, &JOY, 0.5);
    let lyrics = lyrics::fit(&JOY_WORDS, &melody).expect("the words fit");
    (melody, lyrics)
}

fn voice(melody: &Melody, lyrics: &Lyrics, options: &VoiceOptions) -> SungVocal {
    let mut done = 0.0;
    let sung = sing(melody, lyrics, options, None, &mut |share| {
        assert!(share >= done && share <= 1.0, "progress goes from {done} to {share}");
        done = share;
    })
    .expect("sung");
    assert_eq!(done, 1.0);
    is_clean(&sung);
    sung
}

/// Finite, within full scale, no click, no constant part, not silent.
fn is_clean(sung: &SungVocal) {
    assert!(sung.samples.iter().all(|s| s.is_finite() && s.abs() <= 1.0));
    let step = sung.samples.windows(2).map(|w| (w[1] - w[0]).abs()).fold(0.0, f32::max);
    assert!(step <= 0.5, "a step of {step}");
    let mean = sung.samples.iter().map(|s| f64::from(*s)).sum::<f64>() / sung.samples.len() as f64;
    assert!(mean.abs() < 1e-3, "a mean of {mean}");
    let power = sung.samples.iter().map(|s| f64::from(*s).powi(2)).sum::<f64>() / sung.samples.len() as f64;
    assert!(power.sqrt() > 0.01, "silence");
}

#[test]
fn every_register_sings_the_notes_that_were_meant() {
    for (register, tonic) in [(Register::Low, 48), (Register::High, 62), (Register::Auto, 55)] {
        let (melody, lyrics) = joy(tonic);
        let sung = voice(&melody, &lyrics, &VoiceOptions { register, ..VoiceOptions::default() });
        assert_eq!(sung.syllables_placed, lyrics.syllable_count());
        assert_ne!(sung.register, Register::Auto);
        let agreement = pitch_agreement(&sung.samples, sung.sample_rate_hz, &sung.target);
        assert!(agreement.within_50 >= 0.95, "{register:?}: {agreement:?}");
        assert!(agreement.frames as f64 * sung.target.hop_seconds > 3.0);
        // The target itself is the melody: in the middle of each note it lies near the note.
        for note in &melody.notes {
            let meant = sung.target.at(note.onset_seconds + 0.4 * note.duration_seconds).expect("inside");
            let cents = music::cents_between(
                midi_to_hz(note.sung_midi() + 12.0 * f64::from(sung.octave_shift)),
                f64::from(meant.hz),
            );
            assert!(cents.abs() < 45.0, "{cents} cents off a note");
        }
    }
}

#[test]
fn vowels_begin_on_their_notes() {
    let (melody, lyrics) = joy(50);
    let sung = voice(&melody, &lyrics, &VoiceOptions::default());
    let starts: Vec<f64> = sung.sounds.iter().filter(|s| s.is_vowel).map(|s| s.start_seconds).collect();
    assert_eq!(starts.len(), melody.notes.len());
    for (start, note) in starts.iter().zip(&melody.notes) {
        assert!((start - note.onset_seconds).abs() < 0.002, "a vowel at {start} for a note at {}", note.onset_seconds);
    }
    assert!(sung.sounds.windows(2).all(|w| w[0].end_seconds <= w[1].start_seconds + 1e-6), "sounds overlap");
    assert!(sung.sounds.iter().all(|s| s.end_seconds > s.start_seconds));
}

#[test]
fn the_same_seed_gives_the_same_samples() {
    let (melody, lyrics) = joy(50);
    let with = |seed| voice(&melody, &lyrics, &VoiceOptions { seed, ..VoiceOptions::default() });
    let one = with(1);
    assert_eq!(one, with(1));
    assert_ne!(one.samples, with(2).samples);
}

#[test]
fn melodies_out_of_reach_move_by_octaves_and_say_so() {
    for tonic in [0, 24, 36, 60, 84, 115] {
        let (melody, lyrics) = joy(tonic);
        for register in [Register::Low, Register::High] {
            let sung = voice(&melody, &lyrics, &VoiceOptions { register, ..VoiceOptions::default() });
            let sung_tonic = f64::from(tonic) + 12.0 * f64::from(sung.octave_shift);
            assert!((36.0..=80.0).contains(&sung_tonic), "{tonic} sung at {sung_tonic}");
            let agreement = pitch_agreement(&sung.samples, sung.sample_rate_hz, &sung.target);
            assert!(agreement.within_50 >= 0.9, "{register:?} {tonic}: {agreement:?}");
        }
    }
    assert_eq!(voice(&joy(50).0, &joy(50).1, &VoiceOptions::default()).octave_shift, 0);
}

#[test]
fn extremes_are_sung() {
    let long: Vec<(u8, f64)> = (0..300).map(|i| ((i % 7) as u8, 0.3)).collect();
    let quick: Vec<(u8, f64)> = (0..40).map(|i| ((i % 5) as u8, 0.1)).collect();
    let wide: Vec<(u8, f64)> = [(0, 0.5), (60, 0.5), (5, 0.05), (70, 2.0)].to_vec();
    let slow: Vec<(u8, f64)> = vec![(0, 12.0), (2, 12.0)];
    for (tonic, notes, rest) in
        [(50, &long, 0.2), (52, &quick, 0.0), (30, &wide, 0.3), (57, &slow, 0.0), (57, &vec![(0, 0.03)], 0.0)]
    {
        let melody = melody(tonic, &[notes], rest);
        let words = write_lyrics(&melody, &LyricsRequest { prompt: "storm".into(), ..LyricsRequest::default() })
            .expect("lyrics");
        let sung = voice(&melody, &words, &VoiceOptions::default());
        assert_eq!(sung.syllables_placed, notes.len());
        assert!(sung.samples.len() as f64 / 44_100.0 >= melody.duration_seconds);
    }
}

#[test]
fn a_tune_that_begins_at_once_still_has_its_consonants() {
    let mut melody = melody(52, &JOY[..1], 0.1);
    for note in &mut melody.notes {
        note.onset_seconds -= 0.4;
    }
    let lyrics = lyrics::fit(&["strong winds are blowing over me"], &melody).expect("fits");
    let sung = voice(&melody, &lyrics, &VoiceOptions::default());
    assert_eq!(sung.sounds[0].phone, "S");
    assert!(sung.sounds[0].start_seconds >= 0.0);
}

#[test]
fn held_vowels_and_shared_notes_are_sung() {
    let melody = melody(52, &JOY, 0.4);
    for lines in
        [["oh love", "come home"], ["every beautiful river remembers the ocean", "everybody in the valley is dancing"]]
    {
        let lyrics = lyrics::fit(&lines, &melody).expect("fits");
        let sung = voice(&melody, &lyrics, &VoiceOptions::default());
        assert_eq!(sung.syllables_placed, lyrics.syllable_count());
        let agreement = pitch_agreement(&sung.samples, sung.sample_rate_hz, &sung.target);
        assert!(agreement.within_50 >= 0.93, "{agreement:?}");
    }
}

#[test]
fn the_contour_of_the_singer_can_be_followed() {
    let (mut melody, lyrics) = joy(50);
    let bend = |at: f64| 60.0 * (at * std::f64::consts::TAU * 3.0).sin();
    let frames = (0..(melody.duration_seconds * 100.0) as usize)
        .map(|i| {
            let at = i as f64 / 100.0;
            let note = melody.notes.iter().find(|n| n.onset_seconds <= at && at < n.end_seconds());
            let hz = note.map_or(0.0, |n| midi_to_hz(n.sung_midi() + bend(at) / 100.0));
            PitchFrame { hz: hz as f32, confidence: 1.0, voiced: note.is_some() }
        })
        .collect();
    melody.track = PitchTrack { hop_seconds: 0.01, frames };
    let sung = voice(&melody, &lyrics, &VoiceOptions { expression: Expression::Contour, ..VoiceOptions::default() });
    let note = melody.notes[0];
    let at = note.onset_seconds + 0.5 * note.duration_seconds;
    let meant = f64::from(sung.target.at(at).expect("inside").hz);
    let cents = music::cents_between(midi_to_hz(note.sung_midi() + 12.0 * f64::from(sung.octave_shift)), meant);
    assert!((cents - bend(at)).abs() < 20.0, "{cents} for {}", bend(at));
    assert!(pitch_agreement(&sung.samples, 44_100, &sung.target).within_50 >= 0.95);
}

#[test]
fn what_does_not_belong_together_is_refused() {
    let (melody, lyrics) = joy(50);
    let refused = |lyrics: &Lyrics| {
        assert!(matches!(
            sing(&melody, lyrics, &VoiceOptions::default(), None, &mut |_| {}),
            Err(VoiceError::Mismatch(_))
        ));
    };
    let changed = |change: &dyn Fn(&mut Lyrics)| {
        let mut lyrics = lyrics.clone();
        change(&mut lyrics);
        lyrics
    };
    refused(&changed(&|l| l.lines.clear()));
    refused(&changed(&|l| l.lines[0].phrase = 9));
    refused(&changed(&|l| l.lines[0].syllables[2].note = 99));
    refused(&changed(&|l| l.lines[0].syllables[2].phones = vec!["S".into(), "T".into()]));
    refused(&changed(&|l| l.lines[0].syllables[2].phones = vec!["QQ1".into()]));
    refused(&changed(&|l| l.lines.reverse()));
}
