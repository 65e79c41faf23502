//! Singing with a voice that somebody lends. Here that is the formant voice, speaking on short falling notes.

use lyrics::{LyricLine, Lyrics, Syllable, dictionary};
use music::{Key, Melody, MidiPitch, Mode, Note, Phrase, PitchTrack};
use pitch::pitch_agreement;
use voice::{
    Register, Speaker, SpeechError, SpokenWord, SungVocal, Utterance, Voice, VoiceError, VoiceOptions, sing,
    vowel_onset_error,
};

/// Notes as (MIDI number, seconds), one phrase after 0.4 s.
fn melody(notes: &[(u8, f64)]) -> Melody {
    let mut now = 0.4;
    let place = |&(pitch, seconds): &(u8, f64)| {
        let note = Note {
            onset_seconds: now,
            duration_seconds: seconds,
            pitch: MidiPitch::new(pitch),
            cents: 0.0,
            velocity: 85,
        };
        now += seconds;
        note
    };
    let notes: Vec<Note> = notes.iter().map(place).collect();
    Melody {
        duration_seconds: now + 0.2,
        track: PitchTrack { hop_seconds: 0.01, frames: Vec::new() },
        phrases: vec![Phrase { start: 0, end: notes.len() }],
        notes,
        key: Key { tonic: 0, mode: Mode::Major, confidence: 1.0 },
        tempo_bpm: 100.0,
        ..Melody::default()
    }
}

/// Speaks with the formant voice; may leave the last sound out, or refuse.
#[derive(Default)]
struct Talker {
    swallows: bool,
    refuses: bool,
}

impl Speaker for Talker {
    fn voices(&self) -> Vec<Voice> {
        vec![Voice::Rms, Voice::Slt]
    }

    fn say(&self, voice: Voice, words: &[SpokenWord]) -> Result<Utterance, SpeechError> {
        if self.refuses {
            return Err(SpeechError("a sore throat".into()));
        }
        let mut syllables = Vec::new();
        for (word_index, word) in words.iter().enumerate() {
            let phones: Vec<&str> = word.phones.iter().map(String::as_str).collect();
            // One syllable for each vowel, consonants with the vowel after them.
            let mut left = phones.as_slice();
            while let Some(at) = left.iter().position(|p| dictionary::is_vowel(p)) {
                let last = !left[at + 1..].iter().any(|p| dictionary::is_vowel(p));
                let (own, rest) = left.split_at(if last { left.len() } else { at + 1 });
                syllables.push(Syllable {
                    text: String::new(),
                    word_index,
                    phones: own.iter().map(|p| (*p).to_owned()).collect(),
                    note: syllables.len(),
                });
                left = rest;
            }
        }
        let base = if voice == Voice::Slt { 57 } else { 45 };
        let notes: Vec<(u8, f64)> = (0..syllables.len()).map(|i| (base + 2 - (i % 3) as u8, 0.24)).collect();
        let line = LyricLine { phrase: 0, text: String::new(), syllables, section: lyrics::Section::default() };
        let text = Lyrics { title: String::new(), lines: vec![line], language: "en".into() };
        let options = VoiceOptions { voice: Voice::Formant, register: voice.register(), ..VoiceOptions::default() };
        let said = sing(&melody(&notes), &text, &options, None, &mut |_| {}).map_err(|e| SpeechError(e.to_string()))?;
        let mut phones = vec![("pau".to_owned(), said.sounds[0].start_seconds)];
        phones.extend(said.sounds.iter().map(|sound| (sound.phone.to_owned(), sound.end_seconds)));
        if self.swallows {
            phones.pop();
        }
        Ok(Utterance { sample_rate_hz: said.sample_rate_hz, samples: said.samples, phones })
    }
}

fn song(tonic: u8) -> (Melody, Lyrics) {
    let steps = [(0, 0.5), (2, 0.45), (4, 0.5), (5, 0.45), (7, 0.8), (5, 0.4), (4, 0.5), (0, 1.1)];
    let melody = melody(&steps.map(|(step, seconds)| (tonic + step, seconds)));
    let lyrics = lyrics::fit(&["sing to me about the morning"], &melody).expect("the words fit");
    (melody, lyrics)
}

fn voice(song: &(Melody, Lyrics), options: &VoiceOptions) -> SungVocal {
    let mut done = 0.0;
    let sung = sing(&song.0, &song.1, options, Some(&Talker::default()), &mut |share| {
        assert!(share >= done && share <= 1.0, "progress goes from {done} to {share}");
        done = share;
    });
    assert_eq!(done, 1.0);
    sung.expect("sung")
}

#[test]
fn a_lent_voice_keeps_the_pitch_and_the_time_of_the_notes() {
    for tonic in [45, 52, 62] {
        let song = song(tonic);
        let sung = voice(&song, &VoiceOptions::default());
        assert_eq!(sung.syllables_placed, 8);
        assert!(matches!(sung.voice, Voice::Rms | Voice::Slt));
        let agreement = pitch_agreement(&sung.samples, sung.sample_rate_hz, &sung.target);
        assert!(agreement.within_50 >= 0.97, "{tonic}: {agreement:?}");
        let vowels: Vec<f64> = sung.sounds.iter().filter(|s| s.is_vowel).map(|s| s.start_seconds).collect();
        for (vowel, note) in vowels.iter().zip(&song.0.notes) {
            assert!((vowel - note.onset_seconds).abs() < 0.002);
        }
        let heard = vowel_onset_error(&sung.samples, sung.sample_rate_hz, &vowels);
        assert!(heard.median_ms <= 25.0, "{tonic}: {heard:?}");
        assert!(sung.samples.iter().all(|s| s.is_finite() && s.abs() <= 0.9));
        let step = sung.samples.windows(2).map(|w| (w[1] - w[0]).abs()).fold(0.0, f32::max);
        assert!(step <= 0.5, "a step of {step}");
    }
}

#[test]
fn the_same_seed_gives_the_same_samples() {
    let song = song(50);
    let with = |seed| voice(&song, &VoiceOptions { seed, ..VoiceOptions::default() });
    let one = with(1);
    assert_eq!(one, with(1));
    assert_ne!(one.samples, with(2).samples);
}

#[test]
fn the_voice_is_the_one_asked_for_or_the_one_that_fits() {
    let chosen = |tonic, voice_, register| {
        voice(&song(tonic), &VoiceOptions { voice: voice_, register, ..VoiceOptions::default() }).voice
    };
    assert_eq!(chosen(45, Voice::Auto, Register::Auto), Voice::Rms);
    assert_eq!(chosen(66, Voice::Auto, Register::Auto), Voice::Slt);
    assert_eq!(chosen(45, Voice::Auto, Register::High), Voice::Slt);
    assert_eq!(chosen(66, Voice::Rms, Register::Auto), Voice::Rms);
    assert_eq!(chosen(45, Voice::Formant, Register::Auto), Voice::Formant);
}

#[test]
fn what_the_speaker_cannot_do_is_said() {
    let (melody, lyrics) = song(50);
    let with = |voice, speaker: Option<&dyn Speaker>| {
        sing(&melody, &lyrics, &VoiceOptions { voice, ..VoiceOptions::default() }, speaker, &mut |_| {})
    };
    assert_eq!(with(Voice::Auto, None).expect("sung").voice, Voice::Formant);
    assert_eq!(with(Voice::Rms, None), Err(VoiceError::VoiceMissing { voice: Voice::Rms }));
    assert_eq!(with(Voice::Awb, Some(&Talker::default())), Err(VoiceError::VoiceMissing { voice: Voice::Awb }));
    let hoarse = Talker { refuses: true, ..Talker::default() };
    assert!(
        matches!(with(Voice::Rms, Some(&hoarse)), Err(VoiceError::Speech { reason, .. }) if reason == "a sore throat")
    );
    assert_eq!(with(Voice::Auto, Some(&hoarse)).expect("sung all the same").voice, Voice::Formant);
    let sloppy = Talker { swallows: true, ..Talker::default() };
    assert!(matches!(with(Voice::Rms, Some(&sloppy)), Err(VoiceError::Speech { .. })));
    assert!(with(Voice::Formant, Some(&hoarse)).is_ok());
}

#[test]
fn an_octave_that_was_asked_for_is_sung() {
    let (mut melody, lyrics) = song(50);
    melody.notes.iter_mut().for_each(|note| note.pitch = MidiPitch::new(note.pitch.number() + 12));
    let with = |stay_in_octave| {
        let options = VoiceOptions { voice: Voice::Rms, stay_in_octave, ..VoiceOptions::default() };
        sing(&melody, &lyrics, &options, Some(&Talker::default()), &mut |_| {}).expect("sung").octave_shift
    };
    assert_eq!((with(false), with(true)), (-1, 0));
}
