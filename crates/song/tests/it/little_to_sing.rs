//! Recordings with hardly a tune in them, from the sound to the judged song: a note, two, three, short ones, drones.

use domain::{
    kinds::melody_vocals::MelodyToVocalsRequest,
    options::{self, SongOptions, Tempo},
    prompt::Prompt,
    quality::QualityGate,
};
use music::Melody;
use providers::{Performance, Vocal};
use song::{Heard, Report, Song};

const RATE: u32 = 16_000;

/// Hums notes of so many semitones above A3 and so many seconds, with a short gap after each.
fn hummed(notes: &[(f64, f64)]) -> Vec<f32> {
    let mut samples = vec![0.0f32; RATE as usize / 3];
    for &(semitones, seconds) in notes {
        let hz = 220.0 * (semitones / 12.0).exp2();
        let length = (seconds * f64::from(RATE)) as usize;
        samples.extend((0..length).map(|at| {
            let now = at as f64 / f64::from(RATE);
            let edge = (now.min(seconds - now) / 0.02).clamp(0.0, 1.0);
            let phase = std::f64::consts::TAU * hz * now;
            (0.3 * edge * (1..=4).map(|k| (f64::from(k) * phase).sin() / f64::from(k * k)).sum::<f64>()) as f32
        }));
        samples.extend(std::iter::repeat_n(0.0, RATE as usize / 10));
    }
    samples.extend(std::iter::repeat_n(0.0, RATE as usize / 2));
    samples
}

fn request(prompt: &str, language: options::Language, seed: u64) -> MelodyToVocalsRequest {
    let options = SongOptions { language, ..SongOptions::default() };
    MelodyToVocalsRequest { prompt: Prompt::new(prompt).expect("a prompt"), genre: None, mood: None, seed, options }
}

fn heard(notes: &[(f64, f64)], request: &MelodyToVocalsRequest) -> Melody {
    let melody = pitch::extract_melody(&hummed(notes), RATE, &mut |_| {}).expect("a note");
    song::corrected(melody, request).expect("nothing to correct")
}

/// The song's words and what the gate says of all of it.
fn sung(notes: &[(f64, f64)], request: &MelodyToVocalsRequest) -> (String, Report) {
    let melody = heard(notes, request);
    let lyrics = lyrics::write_lyrics(&melody, &song::lyrics_request(request)).expect("words");
    let voice = song::voice_options(request);
    let made = voice::sing(&melody, &lyrics, &voice, None, &mut |_| {}).expect("a voice");
    let performance = Performance {
        target: made.target,
        syllables_placed: made.syllables_placed,
        octave_shift: made.octave_shift,
        voice: made.voice.to_string(),
    };
    let mastered = song::master(Vocal { sample_rate_hz: made.sample_rate_hz, samples: made.samples, performance });
    let heard = Heard::of(&mastered);
    let song = Song { melody: &melody, lyrics: &lyrics, heard, backing: None, takes: 1, request };
    (lyrics.text(), Report::on(&song, &QualityGate::default(), Vec::new()))
}

const PROMPTS: [(options::Language, &str); 3] = [
    (options::Language::English, "A romantic ballad about summer nights"),
    (options::Language::English, "robots dancing in the rain with my grandmother"),
    (options::Language::Spanish, "una canción de amor sobre el mar en verano"),
];

#[test]
fn few_notes_are_sung_as_a_short_line() {
    let hums: [&[(f64, f64)]; 6] = [
        &[(0.0, 2.0)],
        &[(0.0, 8.0)],
        &[(0.0, 0.8), (4.0, 0.8)],
        &[(0.0, 0.3), (2.0, 0.3)],
        &[(0.0, 0.6), (2.0, 0.6), (4.0, 1.2)],
        &[(0.0, 0.5), (0.0, 0.5), (7.0, 0.5), (7.0, 1.0)],
    ];
    for (language, prompt) in PROMPTS {
        for (seed, hum) in (1..).zip(hums) {
            let (words, report) = sung(hum, &request(prompt, language, seed));
            println!("{} notes: {words:?}", hum.len());
            assert_eq!(report.shortfalls, [], "{words:?} on {} notes", hum.len());
            assert_eq!(report.lyrics.syllables, hum.len(), "{words:?}");
        }
    }
}

#[test]
fn a_drone_is_sung_in_lines() {
    for (language, prompt) in PROMPTS {
        for seconds in [20.0, 60.0] {
            let (words, report) = sung(&[(0.0, seconds)], &request(prompt, language, 3));
            println!("{seconds} s: {words:?}");
            assert_eq!(report.shortfalls, [], "{words:?}");
            assert!(report.lyrics.lines >= seconds as usize / 8, "{words:?}");
        }
    }
}

#[test]
fn who_knows_the_tempo_decides() {
    let hum = [(0.0, 0.2); 16].map(|(_, seconds)| (4.0, seconds));
    let mut wish = request("A romantic ballad about summer nights", options::Language::English, 1);
    let by_ear = heard(&hum, &wish);
    assert!((by_ear.tempo_bpm - 200.0).abs() < 8.0, "{} bpm", by_ear.tempo_bpm);
    assert!(by_ear.tempo_alternatives_bpm.iter().any(|bpm| (bpm - 100.0).abs() < 4.0), "{:?}", by_ear.rhythm);
    wish.options.tempo_bpm = Tempo::new(100.0).ok();
    let told = heard(&hum, &wish);
    assert_eq!((told.tempo_bpm, &told.tempo_alternatives_bpm[..]), (100.0, &[][..]));
    let beats = |melody: &Melody| melody.rhythm.beats_seconds.len();
    assert!(told.rhythm.is_steady() && 2 * beats(&told) <= beats(&by_ear) + 2, "{} beats", beats(&told));
    assert_eq!(told.notes, by_ear.notes);
}

/// A word's syllables are divided alike wherever they are written.
#[test]
fn the_documents_divide_words_as_scores_do() {
    let request = request("A romantic ballad about summer nights", options::Language::English, 1);
    let melody = heard(&[(0.0, 0.5), (2.0, 0.5), (4.0, 1.0)], &request);
    let lyrics = lyrics::fit(&["somewhere far"], &melody).expect("words");
    let made = voice::sing(&melody, &lyrics, &song::voice_options(&request), None, &mut |_| {}).expect("a voice");
    let performance = Performance {
        target: made.target,
        syllables_placed: made.syllables_placed,
        octave_shift: made.octave_shift,
        voice: made.voice.to_string(),
    };
    let mastered = song::master(Vocal { sample_rate_hz: made.sample_rate_hz, samples: made.samples, performance });
    let heard = Heard::of(&mastered);
    let documents =
        song::documents(&Song { melody: &melody, lyrics: &lyrics, heard, backing: None, takes: 1, request: &request });
    // A lyric event of MIDI: FF 05, its length, its text.
    assert!(documents.midi.windows(8).any(|bytes| bytes == b"\xFF\x05\x05where"), "MIDI");
    assert!(documents.musicxml.contains(">where<"), "MusicXML");
    assert!(documents.svg.contains(">Some-where<"), "SVG");
}
