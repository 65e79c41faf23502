//! Singing with the voice of a recording. Here the formant voice made it, on short falling notes.

use lyrics::{Language, LyricLine, Lyrics, Section, Syllable};
use music::{Key, Melody, MidiPitch, Mode, Note, Phrase};
use pitch::pitch_agreement;
use voice::{
    Register, SpokenPart, SungVocal, Voice, VoiceError, VoiceOptions, align_spoken, sing, sing_spoken,
    vowel_onset_error,
};

const TEXT: [&str; 3] = ["sing to me about the morning", "", "every heart is coming home"];

/// Lines on notes of so many seconds, falling from `top`, with a rest between them.
fn song(top: u8, seconds: f64) -> (Melody, Lyrics) {
    let (mut notes, mut phrases, mut lines, mut now) = (Vec::new(), Vec::new(), Vec::new(), 0.4);
    for (phrase, text) in TEXT.iter().enumerate() {
        let syllables = Language::English.realise(&lyrics::words_of(text), None).unwrap_or_default();
        let start = notes.len();
        for index in 0..syllables.len() {
            let pitch = MidiPitch::new(top - (index % 4) as u8);
            notes.push(Note { onset_seconds: now, duration_seconds: seconds, pitch, cents: 0.0, velocity: 85 });
            now += seconds;
        }
        now += 0.4;
        phrases.push(Phrase { start, end: notes.len() });
        let placed = |(index, syllable): (usize, Syllable)| Syllable { note: start + index, ..syllable };
        let syllables = syllables.into_iter().enumerate().map(placed).collect();
        lines.push(LyricLine { phrase, section: Section::default(), text: (*text).into(), syllables });
    }
    let melody = Melody {
        duration_seconds: now,
        notes,
        phrases,
        key: Key { tonic: 0, mode: Mode::Major, confidence: 1.0 },
        tempo_bpm: 100.0,
        ..Melody::default()
    };
    (melody, Lyrics { title: String::new(), lines, language: "en".into() })
}

/// The text said in one go.
fn said(register: Register) -> SungVocal {
    let (melody, lyrics) = song(if register == Register::High { 59 } else { 47 }, 0.24);
    let options = VoiceOptions { voice: Voice::Formant, register, stay_in_octave: true, ..VoiceOptions::default() };
    sing(&melody, &lyrics, &options, None, &mut |_| {}).expect("said")
}

fn part(said: &SungVocal) -> SpokenPart {
    SpokenPart { lines: 0..3, sample_rate_hz: said.sample_rate_hz, samples: said.samples.clone() }
}

#[test]
fn a_recording_sings_in_its_own_register() {
    for (register, top) in [(Register::Low, 52), (Register::High, 67)] {
        let (melody, lyrics) = song(top, 0.5);
        let sung = |seed| {
            let options = VoiceOptions { seed, ..VoiceOptions::default() };
            sing_spoken(&melody, &lyrics, &[part(&said(register))], &options, &mut |_| {}).expect("sung")
        };
        let one = sung(1);
        assert_eq!((one.register, one.voice, one.octave_shift), (register, Voice::Auto, 0));
        assert_eq!(one.syllables_placed, lyrics.syllable_count());
        let pitch = pitch_agreement(&one.samples, one.sample_rate_hz, &one.target);
        assert!(pitch.within_50 >= 0.97, "{pitch:?}");
        let vowels: Vec<f64> = one.sounds.iter().filter(|s| s.is_vowel).map(|s| s.start_seconds).collect();
        let onsets = vowel_onset_error(&one.samples, one.sample_rate_hz, &vowels);
        assert!(onsets.median_ms <= 25.0, "{onsets:?}");
        assert_eq!(one, sung(1));
        assert_ne!(one.samples, sung(2).samples);
    }
}

#[test]
fn the_sounds_are_found_where_they_were_made() {
    let (_, lyrics) = song(60, 0.5);
    for register in [Register::Low, Register::High] {
        let said = said(register);
        let lines = align_spoken(&lyrics, &[part(&said)], None).expect("aligned");
        assert_eq!(lines.len(), 2);
        // Within a line: each sound begins where the one before it ends.
        let mut errors: Vec<f64> = Vec::new();
        for (line, first) in lines.iter().zip([0, lyrics.lines[0].syllables.iter().map(|s| s.phones.len()).sum()]) {
            let own: Vec<&(String, f64)> = line.phones.iter().filter(|(phone, _)| phone != "pau").collect();
            for (index, (phone, end)) in own.iter().enumerate() {
                let meant = &said.sounds[first + index];
                assert_eq!(phone, meant.phone);
                errors.push(((end - own[0].1) - (meant.end_seconds - said.sounds[first].end_seconds)).abs());
            }
        }
        errors.sort_by(f64::total_cmp);
        let (median, p90) = (errors[errors.len() / 2], errors[errors.len() * 9 / 10]);
        assert!(median <= 0.02 && p90 <= 0.06, "{register:?}: {median} {p90}");
    }
}

#[test]
fn what_does_not_belong_together_is_refused() {
    let (melody, lyrics) = song(52, 0.5);
    let whole = part(&said(Register::Low));
    let sung = |parts: &[SpokenPart]| {
        sing_spoken(&melody, &lyrics, parts, &VoiceOptions::default(), &mut |_| {}).map(|sung| sung.syllables_placed)
    };
    let lines = |lines| SpokenPart { lines, ..whole.clone() };
    for parts in [&[][..], &[lines(0..1)], &[lines(1..3)], &[lines(0..4)], &[lines(0..3), lines(2..3)], &[lines(3..9)]]
    {
        assert!(matches!(sung(parts), Err(VoiceError::Mismatch(_))), "{:?}", sung(parts));
    }
    let with = |sample_rate_hz, samples: Vec<f32>| SpokenPart { sample_rate_hz, samples, lines: 0..3 };
    for part in [
        with(44_100, Vec::new()),
        with(44_100, vec![0.0; 200_000]),
        with(16_000, vec![f32::NAN; 80_000]),
        with(0, vec![0.1; 80_000]),
        with(16_000, whole.samples[..6_000].to_vec()),
        with(8_000, vec![0.1; 8_000 * 600]),
    ] {
        let rate = part.sample_rate_hz;
        assert!(matches!(sung(&[part]), Err(VoiceError::Unaligned { line: 0, .. })), "{rate} Hz");
    }
    assert_eq!(sung(std::slice::from_ref(&whole)), Ok(lyrics.syllable_count()));
}
